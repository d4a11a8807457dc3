/** One thing that is stored and can be recomputed. */
export interface Check {
  readonly name: string;
  /** Gives a row (place, stored, recomputed) for everything that differs, and no row in a healthy database. */
  readonly sql: string;
}

/** Everything that parley keeps although it could be counted; the order is that of the tables. */
export const CHECKS: readonly Check[] = [
  {
    name: 'sequence, last message and activity of a thread',
    sql: `
      SELECT t.id::text AS place,
        concat_ws(' ', t.last_sequence, t.last_sequence, t.last_message_id, t.last_message_at, t.activity_at) AS stored,
        concat_ws(' ', coalesce(m.newest, 0), coalesce(m.count, 0), l.id, l.sent_at, coalesce(l.sent_at, t.created_at)) AS recomputed
      FROM threads t
      LEFT JOIN (SELECT thread_id, count(*) AS count, max(sequence) AS newest FROM messages GROUP BY thread_id) m ON m.thread_id = t.id
      LEFT JOIN messages l ON l.thread_id = t.id AND l.sequence = m.newest
      WHERE (t.last_sequence, t.last_sequence, t.last_message_id, t.last_message_at, t.activity_at)
        IS DISTINCT FROM (coalesce(m.newest, 0), coalesce(m.count, 0)::integer, l.id, l.sent_at, coalesce(l.sent_at, t.created_at))`,
  },
  {
    name: 'last message as its thread repeats it',
    sql: `
      SELECT t.id::text AS place,
        concat_ws(' ', t.last_message_author_id, t.last_message_type, t.last_message_body) AS stored,
        concat_ws(' ', m.author_id, m.message_type, m.body) AS recomputed
      FROM threads t LEFT JOIN messages m ON m.id = t.last_message_id
      WHERE (t.last_message_author_id, t.last_message_type, t.last_message_body)
        IS DISTINCT FROM (m.author_id, m.message_type, m.body)`,
  },
  {
    name: 'people and block of a thread',
    sql: `
      SELECT t.id::text AS place,
        concat_ws(' ', t.tourist_id, t.guide_id, t.status, t.blocked_by_id) AS stored,
        coalesce(string_agg(concat_ws(' ', p.role, p.user_id), ', ' ORDER BY p.role, p.user_id), 'nobody') AS recomputed
      FROM threads t LEFT JOIN participants p ON p.thread_id = t.id AND p.role IN ('TOURIST', 'GUIDE')
      GROUP BY t.id
      HAVING (t.status = 'BLOCKED') <> (t.blocked_by_id IS NOT NULL)
        OR array_agg(p.user_id ORDER BY p.role) IS DISTINCT FROM ARRAY[t.tourist_id, t.guide_id]`,
  },
  {
    name: 'order of messages by sequence, id and time',
    sql: `
      SELECT concat_ws(':', thread_id, sequence) AS place, concat_ws(' ', id, sent_at) AS stored,
        concat_ws(' ', 'after', id_before, sent_before) AS recomputed
      FROM (
        SELECT thread_id, sequence, id, sent_at, lag(id) OVER thread AS id_before, lag(sent_at) OVER thread AS sent_before
        FROM messages WINDOW thread AS (PARTITION BY thread_id ORDER BY sequence)
      ) AS m WHERE id <= id_before OR sent_at < sent_before`,
  },
  {
    name: 'thread of a message and of what it answers',
    sql: `
      SELECT m.id::text AS place, m.thread_id::text AS stored, coalesce(r.thread_id::text, 'nothing') AS recomputed
      FROM messages m LEFT JOIN messages r ON r.id = m.reply_to_id
      WHERE m.reply_to_id IS NOT NULL AND r.thread_id IS DISTINCT FROM m.thread_id`,
  },
  {
    name: 'tombstones and versions of messages',
    sql: `
      SELECT m.id::text AS place, concat_ws(' ', 'edited', m.edited_at, 'deleted', m.deleted_at, 'body', m.body) AS stored,
        concat_ws(' ', coalesce(v.count, 0), 'versions, newest', v.newest, v.at) AS recomputed
      FROM messages m
      LEFT JOIN (SELECT message_id, count(*) AS count, max(version) AS newest, max(replaced_at) AS at
                 FROM message_versions GROUP BY message_id) v ON v.message_id = m.id
      WHERE (m.deleted_at IS NOT NULL AND (m.body, m.latitude, m.system_code) IS DISTINCT FROM ('', NULL, NULL))
        OR coalesce(v.count, 0) <> coalesce(v.newest, 0)
        OR v.at IS DISTINCT FROM greatest(m.edited_at, m.deleted_at)`,
  },
  {
    name: 'unread count, markers and activity of a participant',
    sql: `
      SELECT concat_ws(' ', p.thread_id, p.user_id) AS place,
        concat_ws(' ', p.unread_count, 'unread above', p.last_read_sequence, p.last_read_at, p.activity_at) AS stored,
        concat_ws(' ', u.count, 'unread above', coalesce(r.up_to_sequence, p.joined_sequence), r.read_at, t.activity_at) AS recomputed
      FROM participants p
      JOIN threads t ON t.id = p.thread_id
      CROSS JOIN LATERAL (
        SELECT count(*)::integer AS count FROM messages m
        WHERE m.thread_id = p.thread_id AND m.sequence > p.last_read_sequence AND m.author_id <> p.user_id
          AND m.deleted_at IS NULL
      ) AS u
      LEFT JOIN LATERAL (
        SELECT r.up_to_sequence, r.read_at FROM read_receipts r
        WHERE r.thread_id = p.thread_id AND r.user_id = p.user_id AND r.up_to_sequence > p.joined_sequence
        ORDER BY r.up_to_sequence DESC LIMIT 1
      ) AS r ON true
      WHERE (p.unread_count, p.last_read_sequence, p.last_read_at, p.activity_at)
        IS DISTINCT FROM (u.count, coalesce(r.up_to_sequence, p.joined_sequence), r.read_at, t.activity_at)`,
  },
  {
    name: 'markers of a participant between joining and the end of the thread',
    sql: `
      SELECT concat_ws(' ', p.thread_id, p.user_id) AS place,
        concat_ws(' ', p.joined_sequence, p.last_read_sequence, p.last_delivered_sequence) AS stored,
        concat_ws(' ', 'up to', t.last_sequence) AS recomputed
      FROM participants p JOIN threads t ON t.id = p.thread_id
      WHERE NOT (p.joined_sequence <= p.last_read_sequence AND p.last_read_sequence <= p.last_delivered_sequence
        AND p.last_delivered_sequence <= t.last_sequence)`,
  },
  {
    name: 'order of the receipts of a reader',
    sql: `
      SELECT concat_ws(' ', thread_id, user_id, up_to_sequence) AS place, read_at::text AS stored,
        concat_ws(' ', 'after', read_before) AS recomputed
      FROM (
        SELECT r.*, lag(read_at) OVER (PARTITION BY thread_id, user_id ORDER BY up_to_sequence) AS read_before
        FROM read_receipts r
      ) AS r WHERE read_at < read_before`,
  },
  {
    name: 'unread totals of a person',
    sql: `
      SELECT u.id AS place, concat_ws(' ', i.unread_message_count, 'in', i.unread_thread_count) AS stored,
        concat_ws(' ', coalesce(p.messages, 0), 'in', coalesce(p.threads, 0)) AS recomputed
      FROM users u LEFT JOIN inboxes i ON i.user_id = u.id
      LEFT JOIN (
        SELECT user_id, sum(unread_count)::integer AS messages, count(*) FILTER (WHERE unread_count > 0)::integer AS threads
        FROM participants GROUP BY user_id
      ) AS p ON p.user_id = u.id
      WHERE (i.unread_message_count, i.unread_thread_count)
        IS DISTINCT FROM (coalesce(p.messages, 0), coalesce(p.threads, 0))`,
  },
  {
    name: 'positions of a journal',
    sql: `
      SELECT coalesce(i.user_id, e.user_id) AS place, concat_ws(' ', 'above', i.floor, 'up to', i.position) AS stored,
        concat_ws(' ', coalesce(e.count, 0), 'entries from', e.first, 'to', e.last) AS recomputed
      FROM inboxes i
      FULL JOIN (SELECT user_id, count(*) AS count, min(position) AS first, max(position) AS last
                 FROM inbox_entries GROUP BY user_id) AS e ON e.user_id = i.user_id
      WHERE i.user_id IS NULL OR coalesce(e.count, 0) <> i.position - i.floor
        OR (e.count > 0 AND (e.first, e.last) IS DISTINCT FROM (i.floor + 1, i.position))`,
  },
  {
    name: 'totals of the newest entry of a journal',
    sql: `
      SELECT concat_ws(' ', e.user_id, e.position) AS place,
        concat_ws(' ', e.unread_message_count, 'in', e.unread_thread_count) AS stored,
        concat_ws(' ', i.unread_message_count, 'in', i.unread_thread_count) AS recomputed
      FROM inboxes i JOIN inbox_entries e ON e.user_id = i.user_id AND e.position = i.position
      WHERE (e.unread_message_count, e.unread_thread_count)
        IS DISTINCT FROM (i.unread_message_count, i.unread_thread_count)`,
  },
  {
    // Retention takes a delivery that is counted only after its notification.
    name: 'count of a notification',
    sql: `
      SELECT concat_ws(' ', n.id, n.user_id) AS place, n.count::text AS stored, coalesce(d.count, 0)::text AS recomputed
      FROM notifications n
      LEFT JOIN (SELECT notification_id, count(*)::integer AS count FROM notification_deliveries
                 WHERE is_counted GROUP BY notification_id) AS d ON d.notification_id = n.id
      WHERE n.count <> coalesce(d.count, 0)`,
  },
];
