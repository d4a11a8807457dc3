import {
  INBOX_MESSAGES,
  INBOX_UNREAD,
  inboxOwner,
  inboxThreadId,
  pageThread,
  PLACES,
  type Scale,
  UNREAD_TAIL,
} from '../data/ids.js';
import type { Measurement } from '../measurement.js';
import type { Protocol } from '../protocols/protocol.js';
import { LATENCIES, percentiles } from '../statistics.js';
import { Failures } from './failures.js';
import { HttpConnection } from './http-connection.js';
import { Window } from './window.js';

interface Reading {
  readonly connections: number;
  readonly scale: Scale;
  /** Rows that are asked for. */
  readonly size: number;
}

export interface PageLoad extends Reading {
  readonly kind: 'page';
  readonly withRead: boolean;
  /** Messages in the thread. */
  readonly length: number;
}

export interface InboxLoad extends Reading {
  readonly kind: 'inbox';
}

interface Question {
  readonly request: string;
  /** Throws where the answer is not the right one. */
  check(answer: Buffer): void;
}

const require = (isRight: boolean, answer: Buffer): void => {
  if (!isRight) throw new Error(`a wrong answer: ${answer.toString().slice(0, 500)}`);
};

/** The guide has read everything, the tourist up to a number; the even ones are the tourist's. */
const isReadUpTo = (sequence: number, readTo: number): boolean =>
  sequence % 2 === 0 || sequence <= readTo;

function pageQuestion(protocol: Protocol, load: PageLoad): Question {
  const { scale, size, length, withRead } = load;
  const numberAt = (place: number): number =>
    protocol.pageOrder === 'newest first' ? length - place : length - size + 1 + place;
  return {
    request: protocol.page(pageThread(scale), size, withRead),
    check: (answer) => {
      const rows = protocol.pageRows(answer);
      const isRight = rows.every(
        ({ sequence, body, sender, isRead }, place) =>
          sequence === numberAt(place) &&
          body.startsWith(`Message ${sequence} `) &&
          sender === `User Number ${sequence % 2}` &&
          // Where it is not asked for, nobody is to take the trouble.
          isRead === (withRead ? isReadUpTo(sequence, length - UNREAD_TAIL) : undefined),
      );
      require(rows.length === size && isRight, answer);
    },
  };
}

function inboxQuestion(protocol: Protocol, { scale, size }: InboxLoad): Question {
  return {
    request: protocol.inbox(inboxOwner(scale), size),
    check: (answer) => {
      const rows = protocol.inboxRows(answer);
      const isRight = rows.every(
        ({ id, unread, other, lastBody }, place) =>
          id === inboxThreadId(scale, place) &&
          unread === INBOX_UNREAD &&
          other === `User Number ${PLACES.inboxGuides + place}` &&
          lastBody.startsWith(`Message ${INBOX_MESSAGES} `),
      );
      require(rows.length === size && isRight, answer);
    },
  };
}

/** Reads in a closed loop. Every answer is checked: one that is equal to a right one is right. */
export async function runRead(
  protocol: Protocol,
  port: number,
  load: PageLoad | InboxLoad,
  warmUp: number,
  seconds: number,
): Promise<Measurement> {
  const question =
    load.kind === 'page' ? pageQuestion(protocol, load) : inboxQuestion(protocol, load);
  const connections = await Promise.all(
    Array.from({ length: load.connections }, () => HttpConnection.open(port)),
  );
  const window = new Window(warmUp, seconds);
  const latencies: number[] = [];
  const failures = new Failures();
  let known: Buffer = Buffer.alloc(0);
  let operations = 0;
  await Promise.all(
    connections.map(async (connection) => {
      while (!window.isOver) {
        const began = performance.now();
        try {
          const { status, body } = await connection.ask(question.request);
          const now = performance.now();
          require(status === 200, body);
          operations += 1;
          if (!known.equals(body)) {
            question.check(body);
            known = Buffer.from(body);
          }
          if (window.counts(now)) latencies.push(now - began);
        } catch (error) {
          failures.add(error);
        }
      }
      connection.close();
    }),
  );
  return {
    values: { rate: latencies.length / seconds, ...percentiles(latencies, LATENCIES) },
    operations,
    wrong: failures.wrong,
  };
}
