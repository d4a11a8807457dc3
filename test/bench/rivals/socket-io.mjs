// Express and Socket.IO, as chat services are usually written: REST for reading, the socket for sending and receiving. It
// stores what parley's limits store (number, unread count, notification, in one transaction), with the same good SQL for
// reading. It believes whoever says who they are.
import { createServer } from 'node:http';
import express from 'express';
import pg from 'pg';
import { Server } from 'socket.io';
import { INBOX, PAGE, PAGE_WITH_READ } from '../limits/queries.mjs';

// As many connections as parley has unless told: with pg's ten, some of the load's sixteen would wait for one.
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 20 });
const app = express();

app.get('/messages/conversations/:userId', async (request, response) => {
  const { userId } = request.params;
  const { rows } = await pool.query(INBOX, [userId, Number(request.query.limit ?? 50)]);
  const data = rows.map((row) => ({
    id: row.id,
    last_message_at: row.last_message_at,
    unread: row.my_unread,
    participants: [{ id: userId }, { id: row.other_id, name: row.other_name }],
    last_message: {
      id: row.message_id,
      content: row.body,
      sender_id: row.sender_user_id,
      created_at: row.sent_at,
    },
  }));
  response.json({ success: true, data });
});

app.get('/messages/:conversationId', async (request, response) => {
  const { conversationId } = request.params;
  const { limit = 50, fields } = request.query;
  const withRead = fields === 'read_at';
  const statement = withRead ? PAGE_WITH_READ : PAGE;
  const { rows } = await pool.query(statement, [conversationId, Number(limit)]);
  const messages = rows.map((row) => ({
    id: row.id,
    seq: row.seq,
    sender_id: row.sender_user_id,
    sender_name: row.name,
    content: row.body,
    message_type: row.message_type,
    created_at: row.sent_at,
    ...(withRead && { read_at: row.read_at }),
  }));
  response.json({ success: true, data: { messages } });
});

async function store({ conversation_id, sender_id, content }) {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const threads = await client.query(
      `UPDATE threads SET last_seq = last_seq + 1, last_message_at = now(),
         tourist_unread = tourist_unread + (guide_id = $2)::int, guide_unread = guide_unread + (tourist_id = $2)::int
       WHERE id = $1 AND status = 'ACTIVE' AND $2 IN (tourist_id, guide_id)
       RETURNING last_seq, CASE WHEN tourist_id = $2 THEN guide_id ELSE tourist_id END AS recipient`,
      [conversation_id, sender_id],
    );
    if (threads.rowCount === 0) throw new Error('not allowed');
    const [{ last_seq, recipient }] = threads.rows;
    const messages = await client.query(
      'INSERT INTO messages (thread_id, seq, sender_user_id, body) VALUES ($1, $2, $3, $4) RETURNING *',
      [conversation_id, last_seq, sender_id, content],
    );
    const [{ id, seq, sent_at }] = messages.rows;
    await client.query(
      'INSERT INTO notifications (user_id, thread_id, message_id) VALUES ($1, $2, $3)',
      [recipient, conversation_id, id],
    );
    await client.query('COMMIT');
    return { id, conversation_id, seq, sender_id, content, created_at: sent_at };
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
}

const server = createServer(app);
const io = new Server(server);
io.on('connection', (socket) => {
  socket.on('join_conversation', async ({ conversation_id, user_id }, answer) => {
    const { rowCount } = await pool.query(
      'SELECT FROM threads WHERE id = $1 AND $2 IN (tourist_id, guide_id)',
      [conversation_id, user_id],
    );
    if (rowCount > 0) socket.join(conversation_id);
    answer?.({ success: rowCount > 0 });
  });
  socket.on('send_message', async (sent, answer) => {
    try {
      const message = await store(sent);
      io.to(message.conversation_id).emit('new_message', message);
      answer?.({ success: true, id: message.id, seq: message.seq, created_at: message.created_at });
    } catch (error) {
      answer?.({ success: false, error: String(error.message) });
    }
  });
});
server.listen(Number(process.env.PORT), '127.0.0.1');
