import { dataOf, graphqlSocket, operation } from './graphql.js';
import { type Protocol, wasRead } from './protocol.js';

/** The tutorial believes whoever says who they are: over HTTP in a header, on a socket in its parameters. */
const overHttp = (viewer: string): { 'x-user-id': string } => ({ 'x-user-id': viewer });
const overSocket = (viewer: string): { userId: string } => ({ userId: viewer });

const sendMessage = operation(
  'Send',
  'mutation Send($input: SendMessageInput!) { sendMessage(input: $input) { id threadId seq sentAt } }',
  overHttp,
);
const page = (fields: string): string =>
  `query Page($threadId: ID!, $last: Int) {
     messages(threadId: $threadId, last: $last) { ${fields} sender { id name } }
   }`;
/** Its Prisma reads every column in both cases, as a tutorial's does. */
const readPage = operation('Page', page('id seq body messageType sentAt'), overHttp);
const readPageWithRead = operation('Page', page('id seq body messageType sentAt readAt'), overHttp);
const readInbox = operation(
  'Inbox',
  `query Inbox($first: Int) {
     inbox(first: $first) {
       id status lastMessageAt unreadCount otherParticipant { id name } lastMessage { id seq body sentAt senderUserId }
     }
   }`,
  overHttp,
);

/** rivals/tutorial */
export const tutorial: Protocol = {
  sending: {
    over: 'http',
    request: ({ id }, author, body) => sendMessage(author, { input: { threadId: id, body } }),
  },
  sequenceKey: '"seq":',
  isOrdered: false,
  page: ({ id, tourist }, last, withRead) =>
    (withRead ? readPageWithRead : readPage)(tourist, { threadId: id, last }),
  pageOrder: 'newest first',
  pageRows: (answer) =>
    dataOf(answer).messages.map(({ seq, body, sender, readAt }: any) => ({
      sequence: seq,
      body,
      sender: sender.name,
      isRead: wasRead(readAt),
    })),
  inbox: (viewer, first) => readInbox(viewer, { first }),
  inboxRows: (answer) =>
    dataOf(answer).inbox.map(({ id, unreadCount, otherParticipant, lastMessage }: any) => ({
      id,
      unread: unreadCount,
      other: otherParticipant.name,
      lastBody: lastMessage.body,
    })),
  socket: graphqlSocket(
    `subscription ($threadId: ID!) {
       messageAdded(threadId: $threadId) { id threadId seq body sentAt sender { id name } }
     }`,
    overSocket,
  ),
};
