-- The notifier's plans are kept for a session, and the tables that it looks into begin empty. To the planner
-- all ways through a table of a row or two cost the same; where it was asked then, it joined each of a batch's messages to
-- every delivery that there was, by going through the whole index, and went on so until the next ANALYZE: with some 10,000
-- deliveries a batch took half a second instead of five milliseconds. OFFSET 0 leaves no choice: what is written so is not
-- joined in another order, but looked up for each row.

-- A stretch of a journal.
CREATE FUNCTION entries_of(p_stretch notifier_stretch) RETURNS SETOF inbox_entries LANGUAGE sql STABLE AS $$
  SELECT e.* FROM inbox_entries e
  WHERE e.user_id = (p_stretch).user_id AND e.position > (p_stretch).from_position AND e.position <= (p_stretch).to_position
  OFFSET 0
$$;

-- The messages of others that these stretches give to tell.
CREATE OR REPLACE FUNCTION message_candidates(p_stretches notifier_stretch[]) RETURNS SETOF notification_candidate
LANGUAGE sql STABLE AS $$
  SELECT c.user_id, c.position, c.message_id, c.thread_id, c.sequence, c.type, c.actor_id, c.objection,
         c.type = ANY (c.wanted), c.now
  FROM (
    SELECT e.user_id, s.wanted, s.now, e.position, m.id AS message_id, m.thread_id, m.sequence,
      (CASE
        WHEN m.message_type <> 'SYSTEM' THEN 'NEW_MESSAGE'
        -- Of its own accord parley says these; services say theirs with a clientMessageId.
        WHEN m.client_message_id IS NULL
          AND m.system_code IN ('thread.archived', 'thread.blocked', 'thread.unblocked', 'thread.reopened')
          THEN 'THREAD_STATUS_CHANGED'
        ELSE 'SYSTEM_MESSAGE'
      END)::notification_type AS type,
      m.author_id AS actor_id, notification_objection(m, p, m.sent_at) AS objection
    FROM unnest(p_stretches) AS s
    CROSS JOIN LATERAL entries_of(s) AS e
    JOIN messages m ON m.id = e.message_id AND m.author_id <> e.user_id
    LEFT JOIN participants p ON p.thread_id = e.thread_id AND p.user_id = e.user_id
    WHERE e.kind = 'MESSAGE_ADDED'
      AND NOT EXISTS (SELECT FROM notification_deliveries d
                      WHERE d.message_id = m.id AND d.user_id = e.user_id AND d.channel = 'IN_APP' OFFSET 0)
  ) AS c
$$;

-- The receipts for people's own messages that these stretches, of people who want them, give to tell: each message once, by
-- whoever reads it first.
CREATE OR REPLACE FUNCTION receipt_candidates(p_stretches notifier_stretch[]) RETURNS SETOF notification_candidate
LANGUAGE sql STABLE AS $$
  -- First what was read, then the messages, by the index: the other way round is all that the person has ever said.
  WITH readings AS MATERIALIZED (
    SELECT e.user_id, e.position, e.thread_id, e.actor_id, e.up_to_sequence, s.now,
      greatest(coalesce(r.joined_sequence, 0), (
        SELECT max(b.up_to_sequence) FROM read_receipts b
        WHERE b.thread_id = e.thread_id AND b.user_id = e.actor_id AND b.up_to_sequence < e.up_to_sequence)) AS after_sequence,
      (CASE
        WHEN p.muted_until > e.at THEN 'MUTED'
        -- Whoever has opened the thread since then has seen the ticks.
        WHEN EXISTS (SELECT FROM inbox_entries o
                     WHERE o.user_id = e.user_id AND o.position > e.position AND o.position <= s.to_position
                       AND o.kind = 'MESSAGE_READ' AND o.actor_id = e.user_id AND o.thread_id = e.thread_id) THEN 'READ'
      END)::notification_reason AS objection
    FROM unnest(p_stretches) AS s
    CROSS JOIN LATERAL entries_of(s) AS e
    JOIN participants p ON p.thread_id = e.thread_id AND p.user_id = e.user_id
    LEFT JOIN participants r ON r.thread_id = e.thread_id AND r.user_id = e.actor_id
    WHERE e.kind = 'MESSAGE_READ' AND e.actor_id <> e.user_id
  )
  SELECT DISTINCT ON (e.user_id, m.id)
    e.user_id, e.position, m.id, m.thread_id, m.sequence, 'MESSAGE_READ'::notification_type, e.actor_id, e.objection, true, e.now
  FROM readings e
  JOIN messages m ON m.thread_id = e.thread_id AND m.author_id = e.user_id AND m.sequence > e.after_sequence
    AND m.sequence <= e.up_to_sequence AND m.message_type <> 'SYSTEM' AND m.deleted_at IS NULL
  WHERE NOT EXISTS (SELECT FROM notification_deliveries d
                    WHERE d.message_id = m.id AND d.user_id = e.user_id AND d.channel = 'IN_APP' OFFSET 0)
  ORDER BY e.user_id, m.id, e.position
$$;
