import type { BenchThread } from '../data/ids.js';

/** A row of a page of messages, in the words of the benchmark. */
export interface PageRow {
  readonly sequence: number;
  readonly body: string;
  readonly sender: string;
  /** Undefined where it was not asked for. */
  readonly isRead: boolean | undefined;
}

/** A row of an inbox. */
export interface InboxRow {
  readonly id: string;
  readonly unread: number;
  readonly other: string;
  readonly lastBody: string;
}

/** How to follow a thread live. All that comes are texts, as bytes. */
export interface SocketProtocol {
  readonly subprotocol: string | undefined;
  path(viewer: string): string;
  /** What the client says first; undefined where it waits for the server. */
  hello(viewer: string): string | undefined;
  /** What the text must be answered with: the rest of the handshake, and signs of life. */
  replyTo(text: Buffer): string | undefined;
  isWelcome(text: Buffer): boolean;
  follow(place: number, threadId: string, viewer: string): string;
  isDelivery(text: Buffer): boolean;
  /** Of what is no delivery: that the thread is not followed, or not any more. */
  isRefusal(text: Buffer): boolean;
}

interface HttpSending {
  readonly over: 'http';
  request(thread: BenchThread, author: string, body: string): string;
}

interface SocketSending {
  readonly over: 'socket';
  message(number: number, thread: BenchThread, author: string, body: string): string;
  isAnswer(text: Buffer): boolean;
}

/** How the load generators say the same thing to one system. */
export interface Protocol {
  readonly sending: HttpSending | SocketSending;
  /** What stands before a message's number, in answers and deliveries. */
  readonly sequenceKey: string;
  /** Whether a follower is promised the messages of a thread in their order, without gaps. */
  readonly isOrdered: boolean;
  /** HTTP requests and what their answers hold. An answer that is a failure throws. */
  page(thread: BenchThread, size: number, withRead: boolean): string;
  /** Which end of a page comes first. Both are right, but each system has said which is its own. */
  readonly pageOrder: 'newest first' | 'oldest first';
  pageRows(answer: Buffer): PageRow[];
  inbox(viewer: string, size: number): string;
  inboxRows(answer: Buffer): InboxRow[];
  readonly socket: SocketProtocol;
}

/** By the instant in an answer: null where it was not read, undefined where nobody asked. */
export const wasRead = (readAt: unknown): boolean | undefined =>
  readAt === undefined ? undefined : readAt !== null;

/** The first number behind a key. */
export function numberAfter(text: Buffer, key: string): number {
  const start = text.indexOf(key);
  if (start < 0) throw new Error(`no ${key} in ${text.toString().slice(0, 300)}`);
  let value = 0;
  let at = start + key.length;
  for (let digit = text[at]! - 48; digit >= 0 && digit <= 9; digit = text[at]! - 48) {
    value = value * 10 + digit;
    at += 1;
  }
  if (at === start + key.length) throw new Error(`no number in ${text.toString().slice(0, 300)}`);
  return value;
}
