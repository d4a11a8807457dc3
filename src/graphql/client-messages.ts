import { MessageType } from 'graphql-ws';
import type { RawData } from 'ws';

/** Of the protocol, but never said by a client; graphql-ws would take them for a fault of its own. */
const SERVER_MESSAGES: readonly unknown[] = [
  MessageType.ConnectionAck,
  MessageType.Next,
  MessageType.Error,
];

export const isServersOwn = (message: unknown): boolean =>
  SERVER_MESSAGES.includes((message as { type?: unknown } | null)?.type);

/** What is no JSON object stays text, for which graphql-ws has the words. */
export function messageOf(data: RawData): unknown {
  const text = textOf(data);
  try {
    const message: unknown = JSON.parse(text);
    return typeof message === 'object' ? message : text;
  } catch {
    return text;
  }
}

const textOf = (data: RawData): string =>
  Buffer.isBuffer(data)
    ? data.toString()
    : Array.isArray(data)
      ? Buffer.concat(data).toString()
      : Buffer.from(data).toString();
