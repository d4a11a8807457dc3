import { getRequest } from '../load/http-connection.js';
import { type Protocol, type SocketProtocol, wasRead } from './protocol.js';

const get = (path: string, viewer: string): string => getRequest(path, { 'x-user-id': viewer });

// Engine.IO's packets are a digit: 0 open, 2 ping, 3 pong, 4 message; and Socket.IO's another one: 0 connect, 1 disconnect,
// 2 event, 3 answer, 4 error.
const startsWith = (text: Buffer, start: string): boolean =>
  text.toString('latin1', 0, start.length) === start;

const socket: SocketProtocol = {
  subprotocol: undefined,
  path: (viewer) => `/socket.io/?EIO=4&transport=websocket&userId=${viewer}`,
  hello: () => undefined,
  replyTo: (text) => {
    if (startsWith(text, '0')) return '40';
    return text.length === 1 && startsWith(text, '2') ? '3' : undefined;
  },
  isWelcome: (text) => startsWith(text, '40'),
  follow: (place, threadId, viewer) =>
    `42${place}${JSON.stringify(['join_conversation', { conversation_id: threadId, user_id: viewer }])}`,
  isDelivery: (text) => startsWith(text, '42') && text.includes('"new_message"'),
  isRefusal: (text) =>
    startsWith(text, '41') ||
    startsWith(text, '44') ||
    (startsWith(text, '43') && text.includes('"success":false')),
};

/** rivals/socket-io.mjs: reads over HTTP, sends over the socket. */
export const socketIo: Protocol = {
  sending: {
    over: 'socket',
    message: (number, { id }, author, body) => {
      const message = { conversation_id: id, sender_id: author, content: body };
      return `42${number}${JSON.stringify(['send_message', message])}`;
    },
    isAnswer: (text) => startsWith(text, '43'),
  },
  sequenceKey: '"seq":',
  isOrdered: false,
  page: ({ id, tourist }, size, withRead) =>
    get(`/messages/${id}?limit=${size}${withRead ? '&fields=read_at' : ''}`, tourist),
  pageOrder: 'newest first',
  pageRows: (answer) =>
    JSON.parse(answer.toString()).data.messages.map(
      ({ seq, content, sender_name, read_at }: any) => ({
        sequence: seq,
        body: content,
        sender: sender_name,
        isRead: wasRead(read_at),
      }),
    ),
  inbox: (viewer, size) => get(`/messages/conversations/${viewer}?limit=${size}`, viewer),
  inboxRows: (answer) =>
    JSON.parse(answer.toString()).data.map(({ id, unread, participants, last_message }: any) => ({
      id,
      unread,
      other: participants.at(-1).name,
      lastBody: last_message.content,
    })),
  socket,
};
