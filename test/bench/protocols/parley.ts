import { createHmac, randomUUID } from 'node:crypto';
import { dataOf, graphqlSocket, operation } from './graphql.js';
import { type Protocol, wasRead } from './protocol.js';

export const SECRET = 'the secret of the benchmark, 32 bytes at least';

const MESSAGE = 'id sequence body messageType sentAt sender { id displayName }';
const page = (fields: string): string =>
  `query Page($threadId: ID!, $last: Int) {
     messages(filter: { threadId: $threadId }, last: $last) { nodes { ${fields} } }
   }`;

const tokens = new Map<string, string>();

/** As the marketplace would make it: HS256, with an end. */
export function tokenOf(viewer: string): string {
  const known = tokens.get(viewer);
  if (known !== undefined) return known;
  const parts = [
    { alg: 'HS256', typ: 'JWT' },
    { sub: viewer, exp: Math.floor(Date.now() / 1_000) + 86_400 },
  ];
  const signed = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  const signature = createHmac('sha256', SECRET).update(signed.join('.')).digest('base64url');
  const token = [...signed, signature].join('.');
  tokens.set(viewer, token);
  return token;
}

const credentials = (viewer: string): { authorization: string } => ({
  authorization: `Bearer ${tokenOf(viewer)}`,
});

const sendMessage = operation(
  'Send',
  `mutation Send($input: SendMessageInput!) {
     sendMessage(input: $input) { message { id threadId sequence sentAt } }
   }`,
  credentials,
);
const readPage = operation('Page', page(MESSAGE), credentials);
const readPageWithRead = operation('Page', page(`${MESSAGE} readAt`), credentials);
const readInbox = operation(
  'Inbox',
  `query Inbox($first: Int) {
     threads(first: $first) {
       nodes {
         id status lastMessageAt unreadCount guide { id displayName }
         lastMessage { id sequence body sentAt senderUserId }
       }
     }
   }`,
  credentials,
);

const run = randomUUID();
let sent = 0;

export const parley: Protocol = {
  sending: {
    over: 'http',
    request: ({ id }, author, body) => {
      sent += 1;
      const input = { threadId: id, clientMessageId: `${run}-${sent}`, body };
      return sendMessage(author, { input });
    },
  },
  sequenceKey: '"sequence":',
  isOrdered: true,
  page: ({ id, tourist }, last, withRead) =>
    (withRead ? readPageWithRead : readPage)(tourist, { threadId: id, last }),
  pageOrder: 'oldest first',
  pageRows: (answer) =>
    dataOf(answer).messages.nodes.map(({ sequence, body, sender, readAt }: any) => ({
      sequence,
      body,
      sender: sender.displayName,
      isRead: wasRead(readAt),
    })),
  inbox: (viewer, first) => readInbox(viewer, { first }),
  inboxRows: (answer) =>
    dataOf(answer).threads.nodes.map(({ id, unreadCount, guide, lastMessage }: any) => ({
      id,
      unread: unreadCount,
      other: guide.displayName,
      lastBody: lastMessage.body,
    })),
  socket: graphqlSocket(
    `subscription ($threadId: ID!) {
       messageAdded(threadId: $threadId) {
         cursor message { id threadId sequence body sentAt sender { id displayName } }
       }
     }`,
    credentials,
  ),
};
