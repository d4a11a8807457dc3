// The least that a Node process must do: node:http with one prepared statement per request, and ws with one text that is
// made once and sent to everybody. It checks nobody and guarantees nothing.
import { createServer } from 'node:http';
import pg from 'pg';
import { WebSocketServer } from 'ws';
import { INBOX, PAGE, PAGE_WITH_READ, SEND } from './queries.mjs';

// As many connections as parley has unless told: with pg's ten, some of the load's sixteen would wait for one.
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 20 });
const rooms = new Map();

const answers = {
  '/send': async (me, { threadId, body }) => {
    const { rows } = await pool.query({ name: 'send', text: SEND, values: [threadId, me, body] });
    const { id, seq, sent_at: sentAt, name } = rows[0];
    broadcast(threadId, { id, threadId, seq, body, sentAt, sender: { id: me, name } });
    return { id, threadId, seq, sentAt };
  },
  /** Past the database: the limit of a broadcast alone. */
  '/publish': (me, { threadId, seq, body }) => {
    const sender = { id: me, name: 'User Number 1' };
    broadcast(threadId, {
      id: me,
      threadId,
      seq,
      body,
      sentAt: '2026-01-01T00:00:00.000Z',
      sender,
    });
    return { seq };
  },
  '/page': async (_, { threadId, size, withRead }) => {
    const [name, text] = withRead ? ['page_with_read', PAGE_WITH_READ] : ['page', PAGE];
    return (await pool.query({ name, text, values: [threadId, size] })).rows;
  },
  '/inbox': async (me, { size }) =>
    (await pool.query({ name: 'inbox', text: INBOX, values: [me, size] })).rows,
};

function broadcast(threadId, messageAdded) {
  const room = rooms.get(threadId);
  if (room === undefined) return;
  const text = Buffer.from(
    JSON.stringify({ id: 'live', type: 'next', payload: { data: { messageAdded } } }),
  );
  for (const socket of room) socket.send(text, { binary: false });
}

const server = createServer((request, response) => {
  const chunks = [];
  const end = (status, text) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    };
    response.writeHead(status, headers).end(text);
  };
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', async () => {
    try {
      const asked = JSON.parse(Buffer.concat(chunks));
      end(200, JSON.stringify(await answers[request.url](request.headers['x-user-id'], asked)));
    } catch (error) {
      end(500, String(error));
    }
  });
});

const sockets = new WebSocketServer({ server, path: '/graphql', perMessageDeflate: false });
sockets.on('connection', (socket) => {
  socket.on('message', (text) => {
    const { type, payload } = JSON.parse(text);
    if (type === 'connection_init') socket.send('{"type":"connection_ack"}');
    if (type !== 'subscribe') return;
    const { threadId } = payload.variables;
    const room = rooms.get(threadId) ?? new Set();
    rooms.set(threadId, room.add(socket));
    socket.once('close', () => {
      room.delete(socket);
      if (room.size === 0) rooms.delete(threadId);
    });
  });
});
server.listen(Number(process.env.PORT), '127.0.0.1');
