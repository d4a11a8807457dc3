import { isUtf8 } from 'node:buffer';
import { MessageType } from 'graphql-ws';
import type { RawData } from 'ws';

/** Of the protocol, but never said by a client; graphql-ws would take them for a fault of its own. */
const SERVER_MESSAGES: readonly unknown[] = [
  MessageType.ConnectionAck,
  MessageType.Next,
  MessageType.Error,
];

export const isServersOwn = (message: unknown): boolean =>
  SERVER_MESSAGES.includes(typeOf(message));

export const isPing = (message: unknown): boolean => typeOf(message) === MessageType.Ping;

const typeOf = (message: unknown): unknown => (message as { type?: unknown } | null)?.type;

/** Of a frame that says it is text, ws has made sure; any other would come in with U+FFFD for what is none. */
export const isText = (data: RawData, isBinary: boolean): boolean =>
  !isBinary || isUtf8(bytesOf(data));

/** What is no JSON object stays text, for which graphql-ws has the words. */
export function messageOf(data: RawData): unknown {
  const text = bytesOf(data).toString();
  try {
    const message: unknown = JSON.parse(text);
    return typeof message === 'object' ? message : text;
  } catch {
    return text;
  }
}

const bytesOf = (data: RawData): Buffer =>
  Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
