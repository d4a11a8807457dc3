import { isUtf8 } from 'node:buffer';
import type { OperationDefinitionNode } from 'graphql';
import type { SubscribePayload } from 'graphql-ws';
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
    if (typeof message !== 'object') return text;
    keepOnly(['id', 'type', 'payload'], message);
    return message;
  } catch {
    return text;
  }
}

/**
 * Takes away from what a client has sent, which graphql-ws keeps as long as the operation runs, all that nobody asks for.
 * @returns the variables that the operation declares, which alone are left of them
 */
export function withoutRest(
  payload: SubscribePayload,
  { variableDefinitions = [] }: OperationDefinitionNode,
): Readonly<Record<string, unknown>> {
  keepOnly(['query', 'operationName', 'variables'], payload);
  const variables = payload.variables ?? {};
  keepOnly(
    variableDefinitions.map(({ variable }) => variable.name.value),
    variables,
  );
  return variables;
}

function keepOnly(keys: readonly string[], object: object | null): void {
  for (const key of Object.keys(object ?? {}))
    if (!keys.includes(key)) Reflect.deleteProperty(object as object, key);
}

const bytesOf = (data: RawData): Buffer =>
  Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
