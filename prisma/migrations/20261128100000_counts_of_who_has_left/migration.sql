-- A notification's count is the number of its deliveries with is_counted, always: whoever takes the one down takes the other
-- down in the same transaction. It was not so where somebody had left: the count went to 0, the deliveries stayed counted, and
-- a deletion subtracted them again, which the count's check refuses. Then the notifier failed with that person for ever.
--
-- No subtraction goes below 0 now, so that whatever else should put the two apart stops nobody; the doctor finds it.

CREATE OR REPLACE FUNCTION settle_read_notifications(p_stretches notifier_stretch[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_users text[];
  v_threads uuid[];
  v_nows timestamptz[];
BEGIN
  SELECT array_agg(t.user_id), array_agg(t.thread_id), array_agg(t.now) INTO v_users, v_threads, v_nows
  FROM (
    SELECT DISTINCT s.user_id, e.thread_id, s.now FROM unnest(p_stretches) AS s
    JOIN inbox_entries e ON e.user_id = s.user_id AND e.position > s.from_position AND e.position <= s.to_position
    WHERE e.kind IN ('THREAD_UPDATED', 'THREAD_REMOVED') OR e.kind = 'MESSAGE_READ' AND e.actor_id = s.user_id
  ) AS t;
  WITH ended AS (
    UPDATE notifications n SET count = 0, read_at = t.now
    FROM unnest(v_users, v_threads, v_nows) AS t (user_id, thread_id, now)
    WHERE n.user_id = t.user_id AND n.thread_id = t.thread_id AND n.read_at IS NULL
      AND NOT EXISTS (SELECT FROM participants p WHERE p.thread_id = t.thread_id AND p.user_id = t.user_id)
    RETURNING n.id
  )
  UPDATE notification_deliveries d SET is_counted = false
  FROM ended WHERE d.notification_id = ended.id AND d.is_counted;
  UPDATE notifications n SET read_at = greatest(p.last_read_at, n.created_at)
  FROM unnest(v_users, v_threads) AS t (user_id, thread_id)
  JOIN participants p ON p.thread_id = t.thread_id AND p.user_id = t.user_id
  WHERE n.user_id = t.user_id AND n.thread_id = t.thread_id AND n.read_at IS NULL AND n.type <> 'MESSAGE_READ'
    AND p.last_read_sequence >= n.last_sequence;
  UPDATE notifications n SET read_at = greatest(e.at, n.created_at)
  FROM unnest(p_stretches) AS s
  JOIN inbox_entries e ON e.user_id = s.user_id AND e.position > s.from_position AND e.position <= s.to_position
    AND e.kind = 'MESSAGE_READ' AND e.actor_id = s.user_id
  WHERE n.user_id = e.user_id AND n.thread_id = e.thread_id AND n.read_at IS NULL AND n.type = 'MESSAGE_READ';
  WITH passed AS (
    UPDATE notification_deliveries d SET is_counted = false
    FROM unnest(v_users, v_threads) AS t (user_id, thread_id)
    JOIN participants p ON p.thread_id = t.thread_id AND p.user_id = t.user_id
    JOIN notifications n ON n.user_id = t.user_id AND n.thread_id = t.thread_id AND n.read_at IS NULL
      AND n.type <> 'MESSAGE_READ'
    WHERE d.notification_id = n.id AND d.is_counted AND d.sequence <= p.last_read_sequence
    RETURNING d.notification_id
  )
  UPDATE notifications n SET count = greatest(n.count - gone.count, 0)
  FROM (SELECT notification_id, count(*)::integer AS count FROM passed GROUP BY notification_id) AS gone
  WHERE n.id = gone.notification_id;
END $$;

CREATE OR REPLACE FUNCTION settle_deleted_messages(p_stretches notifier_stretch[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_touched uuid[];
BEGIN
  WITH withdrawn AS (
    UPDATE notification_deliveries d
    SET is_counted = false, outcome = 'WITHDRAWN', reason = 'DELETED', at = s.now
    FROM unnest(p_stretches) AS s
    JOIN inbox_entries e ON e.user_id = s.user_id AND e.position > s.from_position AND e.position <= s.to_position
      AND e.kind = 'MESSAGE_UPDATED'
    JOIN messages m ON m.id = e.message_id AND m.deleted_at IS NOT NULL
    WHERE d.message_id = e.message_id AND d.user_id = e.user_id AND d.channel = 'IN_APP' AND d.is_counted
    RETURNING d.notification_id, d.at
  ), lessened AS (
    UPDATE notifications n
    SET count = greatest(n.count - gone.count, 0),
        read_at = CASE WHEN n.count <= gone.count THEN coalesce(n.read_at, gone.at) ELSE n.read_at END
    FROM (SELECT notification_id, count(*)::integer AS count, max(at) AS at FROM withdrawn GROUP BY notification_id) AS gone
    WHERE n.id = gone.notification_id
    RETURNING n.id, n.count
  )
  SELECT array_agg(id) INTO v_touched FROM lessened WHERE count > 0;
  UPDATE notifications n SET message_id = newest.message_id, last_sequence = newest.sequence,
    actor_id = CASE WHEN n.type = 'MESSAGE_READ' THEN n.actor_id ELSE newest.author_id END
  FROM unnest(v_touched) AS touched (id) CROSS JOIN LATERAL (
    SELECT d.message_id, d.sequence, m.author_id FROM notification_deliveries d JOIN messages m ON m.id = d.message_id
    WHERE d.notification_id = touched.id AND d.is_counted ORDER BY d.sequence DESC LIMIT 1
  ) AS newest
  WHERE n.id = touched.id;
END $$;

-- Whoever writes notifications holds a row of this table meanwhile; here all are held. Reading goes on.
LOCK TABLE notifier_positions IN EXCLUSIVE MODE;
UPDATE notification_deliveries d SET is_counted = false
FROM notifications n WHERE n.count = 0 AND d.notification_id = n.id AND d.is_counted;
