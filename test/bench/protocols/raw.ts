import { postRequest } from '../load/http-connection.js';
import { graphqlSocket } from './graphql.js';
import { type Protocol, wasRead } from './protocol.js';

const credentials = (viewer: string): { 'x-user-id': string } => ({ 'x-user-id': viewer });
const ask = (path: string, viewer: string, what: unknown): string =>
  postRequest(path, JSON.stringify(what), credentials(viewer));

/** limits/raw-server.mjs with a database. */
export const raw: Protocol = {
  sending: {
    over: 'http',
    request: ({ id }, author, body) => ask('/send', author, { threadId: id, body }),
  },
  sequenceKey: '"seq":',
  isOrdered: false,
  page: ({ id, tourist }, size, withRead) =>
    ask('/page', tourist, { threadId: id, size, withRead }),
  pageOrder: 'newest first',
  pageRows: (answer) =>
    JSON.parse(answer.toString()).map(({ seq, body, name, read_at }: any) => ({
      sequence: seq,
      body,
      sender: name,
      isRead: wasRead(read_at),
    })),
  inbox: (viewer, size) => ask('/inbox', viewer, { size }),
  inboxRows: (answer) =>
    JSON.parse(answer.toString()).map(({ id, my_unread, other_name, body }: any) => ({
      id,
      unread: my_unread,
      other: other_name,
      lastBody: body,
    })),
  socket: graphqlSocket('subscription', credentials),
};

/** They are numbered by whoever publishes. */
let published = 0;

/** The same server, past the database: what a broadcast costs at least. */
export const rawSockets: Protocol = {
  ...raw,
  sending: {
    over: 'http',
    request: ({ id }, author, body) => {
      published += 1;
      return ask('/publish', author, { threadId: id, seq: published, body });
    },
  },
};
