import type { BenchThread } from '../data/ids.js';
import { numberAfter, type Protocol } from '../protocols/protocol.js';
import { HttpConnection } from './http-connection.js';
import { openSocket } from './socket.js';

/** A connection that sends one message after the other. */
export interface Sender {
  /** @returns the number of the message in its thread */
  send(thread: BenchThread, author: string, body: string): Promise<number>;
  close(): void;
}

/** @param viewer whom the connection belongs to, where it must belong to somebody */
export function openSender(protocol: Protocol, port: number, viewer: string): Promise<Sender> {
  return protocol.sending.over === 'http'
    ? openHttpSender(protocol, protocol.sending, port)
    : openSocketSender(protocol, protocol.sending, port, viewer);
}

type Over<Way extends string> = Extract<Protocol['sending'], { over: Way }>;

async function openHttpSender(
  { sequenceKey }: Protocol,
  { request }: Over<'http'>,
  port: number,
): Promise<Sender> {
  const connection = await HttpConnection.open(port);
  return {
    send: async (thread, author, body) => {
      const answer = await connection.ask(request(thread, author, body));
      if (answer.status !== 200) throw new Error(answer.body.toString().slice(0, 300));
      return numberAfter(answer.body, sequenceKey);
    },
    close: () => connection.close(),
  };
}

async function openSocketSender(
  protocol: Protocol,
  { message, isAnswer }: Over<'socket'>,
  port: number,
  viewer: string,
): Promise<Sender> {
  let answered: (text: Buffer) => void = () => undefined;
  let sent = 0;
  const connection = await openSocket(protocol, port, viewer, (text) => {
    if (isAnswer(text)) answered(text);
  });
  return {
    send: async (thread, author, body) => {
      const answer = new Promise<Buffer>((resolve) => {
        answered = resolve;
      });
      sent += 1;
      connection.send(message(sent, thread, author, body));
      return numberAfter(await answer, protocol.sequenceKey);
    },
    close: () => connection.close(),
  };
}
