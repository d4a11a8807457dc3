import { postRequest } from '../load/http-connection.js';
import type { SocketProtocol } from './protocol.js';

export type Credentials = (viewer: string) => Readonly<Record<string, string>>;

/** An operation over HTTP; the text of all but the variables is made once. */
export function operation(
  name: string,
  query: string,
  credentials: Credentials,
): (viewer: string, variables: unknown) => string {
  const start = `{"operationName":"${name}","query":${JSON.stringify(query)},"variables":`;
  return (viewer, variables) =>
    postRequest('/graphql', `${start}${JSON.stringify(variables)}}`, credentials(viewer));
}

/** The data of an answer that must hold nothing else. */
export function dataOf(answer: Buffer): any {
  const { data, errors } = JSON.parse(answer.toString()) as { data?: unknown; errors?: unknown };
  if (errors !== undefined || !data) throw new Error(answer.toString().slice(0, 300));
  return data;
}

/** graphql-transport-ws, with a subscription that takes a threadId. */
export function graphqlSocket(subscription: string, credentials: Credentials): SocketProtocol {
  const follow = `,"type":"subscribe","payload":{"query":${JSON.stringify(subscription)},"variables":{"threadId":`;
  return {
    subprotocol: 'graphql-transport-ws',
    path: () => '/graphql',
    hello: (viewer) => JSON.stringify({ type: 'connection_init', payload: credentials(viewer) }),
    replyTo: (text) => (text.includes('"type":"ping"') ? '{"type":"pong"}' : undefined),
    isWelcome: (text) => text.includes('"connection_ack"'),
    follow: (place, threadId) => `{"id":"follower-${place}"${follow}"${threadId}"}}}`,
    isDelivery: (text) => text.includes('"type":"next"'),
    isRefusal: (text) => text.includes('"type":"error"') || text.includes('"type":"complete"'),
  };
}
