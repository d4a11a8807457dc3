// One good statement per operation on the plain tables: for the raw server and for the rival that has the same SQL.

/** $1 thread, $2 sender, $3 body */
export const SEND = `
  WITH t AS (
    UPDATE threads SET last_seq = last_seq + 1, last_message_at = greatest(last_message_at, clock_timestamp()),
      tourist_unread = tourist_unread + (guide_id = $2::uuid)::int, guide_unread = guide_unread + (tourist_id = $2::uuid)::int
    WHERE id = $1::uuid AND status = 'ACTIVE' AND $2::uuid IN (tourist_id, guide_id)
    RETURNING id, last_seq, last_message_at, CASE WHEN tourist_id = $2::uuid THEN guide_id ELSE tourist_id END AS recipient
  ), m AS (
    INSERT INTO messages (thread_id, seq, sender_user_id, body, sent_at)
    SELECT id, last_seq, $2::uuid, $3, last_message_at FROM t RETURNING id, thread_id, seq, sent_at
  ), n AS (
    INSERT INTO notifications (user_id, thread_id, message_id, created_at)
    SELECT t.recipient, t.id, m.id, m.sent_at FROM t, m
  )
  SELECT m.id, m.thread_id, m.seq, m.sent_at, u.name FROM t, m, users u WHERE u.id = $2::uuid`;

const page = (columns) => `
  SELECT m.id, m.seq, m.sender_user_id, m.body, m.message_type, m.sent_at, ${columns}
  FROM messages m LEFT JOIN users u ON u.id = m.sender_user_id
  WHERE m.thread_id = $1::uuid ORDER BY m.seq DESC LIMIT $2`;

/** $1 thread, $2 how many of the newest */
export const PAGE = page('u.name');
export const PAGE_WITH_READ = page('m.read_at, u.name');

/** $1 person, $2 how many */
export const INBOX = `
  SELECT t.id, t.status, t.last_message_at, t.my_unread, o.id AS other_id, o.name AS other_name, m.id AS message_id, m.seq,
    m.body, m.sent_at, m.sender_user_id
  FROM (
    SELECT id, status, last_message_at, last_seq, tourist_unread AS my_unread, guide_id AS other
    FROM threads WHERE tourist_id = $1::uuid
    UNION ALL
    SELECT id, status, last_message_at, last_seq, guide_unread, tourist_id FROM threads WHERE guide_id = $1::uuid
    ORDER BY last_message_at DESC, id DESC LIMIT $2
  ) AS t
  JOIN users o ON o.id = t.other LEFT JOIN messages m ON m.thread_id = t.id AND m.seq = t.last_seq
  ORDER BY t.last_message_at DESC, t.id DESC`;
