import type { Protocol } from '../protocols/protocol.js';
import { SocketConnection } from './socket-connection.js';

/** Opens a socket and waits until the system has let the viewer in. */
export async function openSocket(
  { socket: { subprotocol, path, hello, replyTo, isWelcome } }: Protocol,
  port: number,
  viewer: string,
  onText: (text: Buffer) => void,
): Promise<SocketConnection> {
  let isIn = false;
  let enter: () => void = () => undefined;
  const entered = new Promise<void>((resolve) => {
    enter = resolve;
  });
  // A server that speaks first may do so in the same packet as the end of the handshake.
  const early: Buffer[] = [];
  let take = (text: Buffer): void => void early.push(Buffer.from(text));
  const connection = await SocketConnection.open(port, path(viewer), subprotocol, (text) =>
    take(text),
  );
  take = (text) => {
    const reply = replyTo(text);
    if (reply !== undefined) connection.send(reply);
    else if (isIn) onText(text);
    else if (isWelcome(text)) {
      isIn = true;
      enter();
    }
  };
  for (const text of early) take(text);
  const greeting = hello(viewer);
  if (greeting !== undefined) connection.send(greeting);
  await entered;
  return connection;
}
