-- The notifier takes in the journals of several people in one transaction, set by set instead of person by person.
--
-- The rules of 20261121100000_notifications stay, and the first one says more now:
--   1. whatever is written of a person's notifications is written under the lock of their row in notifier_positions. It comes
--      before the inbox (thread, then notifier, then inbox), and nobody takes it while holding an inbox. Nobody who holds one
--      of these rows waits for another: whoever takes several takes, in the order of the ids, those that are free (SKIP
--      LOCKED), and comes again for the rest; only whoever wants a single one waits for it. So nobody waits for a row here
--      while holding something that its holder may want. Rows that are not there yet are inserted before any is locked and in
--      the order of their ids; whoever inserts the same ones at that moment waits, in that order.
--      The inboxes come last and all at once, in the order of the ids, as everybody takes them.

-- How much of a person's journal is taken in: the entries after from_position up to to_position. now: never before what the
-- person was told last. wanted: what they want to be told of in the app.
CREATE TYPE notifier_stretch AS (
  user_id text COLLATE "C", from_position bigint, to_position bigint, now timestamptz, wanted notification_type[]
);

DROP FUNCTION notify_person;
DROP FUNCTION notify_in_app;
DROP FUNCTION notify_by_mail;
DROP FUNCTION notification_candidates;
DROP FUNCTION settle_read_notifications;
DROP FUNCTION settle_deleted_messages;
DROP TYPE notification_candidate;

-- What a channel tells whoever has these preferences of it (null where they have said nothing); empty where it is off.
CREATE FUNCTION channel_notification_types(
  p_channel notification_channel, p_preferences notification_channel_preferences
) RETURNS notification_type[] LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN (p_preferences).user_id IS NULL THEN default_notification_types(p_channel)
    WHEN (p_preferences).is_enabled THEN (p_preferences).types
    ELSE '{}'
  END
$$;

CREATE OR REPLACE FUNCTION wanted_notification_types(p_user text, p_channel notification_channel)
RETURNS notification_type[] LANGUAGE sql STABLE AS $$
  SELECT channel_notification_types(p_channel, (
    SELECT c FROM notification_channel_preferences c WHERE c.user_id = p_user AND c.channel = p_channel))
$$;

-- Something that a person may be told of. position: of the entry that says so; actor_id: who said it, or who has read it;
-- objection: what speaks against telling it by any channel; is_wanted: whether they want it in the app.
CREATE TYPE notification_candidate AS (
  user_id text COLLATE "C", position bigint, message_id uuid, thread_id uuid, sequence integer, type notification_type,
  actor_id text COLLATE "C", objection notification_reason, is_wanted boolean, now timestamptz
);

-- The messages of others that these stretches give to tell.
CREATE FUNCTION message_candidates(p_stretches notifier_stretch[]) RETURNS SETOF notification_candidate
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
    JOIN inbox_entries e ON e.user_id = s.user_id AND e.position > s.from_position AND e.position <= s.to_position
      AND e.kind = 'MESSAGE_ADDED'
    JOIN messages m ON m.id = e.message_id AND m.author_id <> e.user_id
    LEFT JOIN participants p ON p.thread_id = e.thread_id AND p.user_id = e.user_id
    WHERE NOT EXISTS (SELECT FROM notification_deliveries d
                      WHERE d.message_id = e.message_id AND d.user_id = e.user_id AND d.channel = 'IN_APP')
  ) AS c
$$;

-- The receipts for people's own messages that these stretches, of people who want them, give to tell: each message once, by
-- whoever reads it first.
CREATE FUNCTION receipt_candidates(p_stretches notifier_stretch[]) RETURNS SETOF notification_candidate
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
    JOIN inbox_entries e ON e.user_id = s.user_id AND e.position > s.from_position AND e.position <= s.to_position
      AND e.kind = 'MESSAGE_READ' AND e.actor_id <> e.user_id
    JOIN participants p ON p.thread_id = e.thread_id AND p.user_id = e.user_id
    LEFT JOIN participants r ON r.thread_id = e.thread_id AND r.user_id = e.actor_id
  )
  SELECT DISTINCT ON (e.user_id, m.id)
    e.user_id, e.position, m.id, m.thread_id, m.sequence, 'MESSAGE_READ'::notification_type, e.actor_id, e.objection, true, e.now
  FROM readings e
  JOIN messages m ON m.thread_id = e.thread_id AND m.author_id = e.user_id AND m.sequence > e.after_sequence
    AND m.sequence <= e.up_to_sequence AND m.message_type <> 'SYSTEM' AND m.deleted_at IS NULL
  WHERE NOT EXISTS (SELECT FROM notification_deliveries d
                    WHERE d.message_id = m.id AND d.user_id = e.user_id AND d.channel = 'IN_APP')
  ORDER BY e.user_id, m.id, e.position
$$;

-- Reflects what these stretches say of notifications that are there: the person has read (part of) the thread, or is no
-- longer in it. Only one transaction at a time writes one person's rows, so these statements wait for nobody and may feed
-- each other.
CREATE FUNCTION settle_read_notifications(p_stretches notifier_stretch[]) RETURNS void LANGUAGE plpgsql AS $$
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
  UPDATE notifications n SET count = 0, read_at = t.now
  FROM unnest(v_users, v_threads, v_nows) AS t (user_id, thread_id, now)
  WHERE n.user_id = t.user_id AND n.thread_id = t.thread_id AND n.read_at IS NULL
    AND NOT EXISTS (SELECT FROM participants p WHERE p.thread_id = t.thread_id AND p.user_id = t.user_id);
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
  UPDATE notifications n SET count = n.count - gone.count
  FROM (SELECT notification_id, count(*)::integer AS count FROM passed GROUP BY notification_id) AS gone
  WHERE n.id = gone.notification_id;
END $$;

-- Takes deleted messages out of the notifications that count them. One that stands for nothing any more is gone.
CREATE FUNCTION settle_deleted_messages(p_stretches notifier_stretch[]) RETURNS void LANGUAGE plpgsql AS $$
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
    SET count = n.count - gone.count,
        read_at = CASE WHEN n.count = gone.count THEN coalesce(n.read_at, gone.at) ELSE n.read_at END
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

-- Tells in the app: one unread notification per person, thread and type, which counts up. Ids sort as the entries that they
-- come from. Returns the notifications that are new or count more.
CREATE FUNCTION notify_in_app(p_candidates notification_candidate[]) RETURNS notifications[] LANGUAGE plpgsql AS $$
DECLARE
  v_told notifications[];
  v_ids uuid[];
BEGIN
  WITH told AS (
    INSERT INTO notifications AS n
      (id, user_id, type, thread_id, message_id, actor_id, count, last_sequence, created_at, updated_at)
    SELECT uuid_v7(max(c.now), (max(c.position) % 2147483648)::integer), c.user_id, c.type, c.thread_id,
           (array_agg(c.message_id ORDER BY c.sequence DESC))[1], (array_agg(c.actor_id ORDER BY c.sequence DESC))[1],
           count(*), max(c.sequence), max(c.now), max(c.now)
    FROM unnest(p_candidates) AS c WHERE c.objection IS NULL AND c.is_wanted
    GROUP BY c.user_id, c.thread_id, c.type
    ON CONFLICT (user_id, thread_id, type) WHERE read_at IS NULL DO UPDATE
    SET count = n.count + excluded.count, updated_at = excluded.updated_at, actor_id = excluded.actor_id,
        message_id = excluded.message_id, last_sequence = excluded.last_sequence
    RETURNING n.*
  )
  SELECT array_agg(told::notifications), array_agg(told.id ORDER BY told.user_id, told.thread_id, told.type)
  INTO v_told, v_ids FROM told;
  INSERT INTO notification_deliveries
    (message_id, user_id, channel, type, thread_id, sequence, outcome, reason, at, notification_id, is_counted)
  SELECT c.message_id, c.user_id, 'IN_APP', c.type, c.thread_id, c.sequence,
         (CASE WHEN c.is_told THEN 'SENT' ELSE 'SUPPRESSED' END)::notification_outcome,
         CASE WHEN NOT c.is_told THEN coalesce(c.objection, 'PREFERENCE') END, c.now,
         -- Its notification by its place in their order: a join would compare each with each.
         CASE WHEN c.is_told THEN v_ids[dense_rank() OVER (PARTITION BY c.is_told ORDER BY c.user_id, c.thread_id, c.type)] END,
         c.is_told
  FROM (SELECT o.*, o.objection IS NULL AND o.is_wanted AS is_told FROM unnest(p_candidates) AS o) AS c;
  RETURN v_told;
END $$;

-- Notes what is to be told by mail when it is still unread after the delay: one waiting mail per person and thread takes it
-- all in.
CREATE FUNCTION notify_by_mail(p_candidates notification_candidate[], p_delay_minutes integer, p_at timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_judged notification_candidate[];
  v_mail notification_mails;
BEGIN
  SELECT array_agg(ROW(
      c.user_id, c.position, c.message_id, c.thread_id, c.sequence, c.type, c.actor_id,
      coalesce(c.objection, CASE
        WHEN c.type <> ALL (channel_notification_types('MAIL', w)) THEN 'PREFERENCE'::notification_reason
        WHEN u.email IS NULL THEN 'NO_ADDRESS' END),
      c.is_wanted, c.now)::notification_candidate)
  INTO v_judged
  FROM unnest(p_candidates) AS c
  LEFT JOIN notification_channel_preferences w ON w.user_id = c.user_id AND w.channel = 'MAIL'
  LEFT JOIN users u ON u.id = c.user_id
  WHERE c.type <> 'MESSAGE_READ';
  FOR v_mail IN
    INSERT INTO notification_mails (id, user_id, thread_id, state, due_at, created_at, updated_at)
    SELECT uuid_v7(c.now), c.user_id, c.thread_id, 'WAITING',
           p_at + make_interval(mins => coalesce(q.mail_delay_minutes, p_delay_minutes)), c.now, c.now
    FROM (SELECT user_id, thread_id, max(now) AS now FROM unnest(v_judged) WHERE objection IS NULL
          GROUP BY user_id, thread_id) AS c
    LEFT JOIN notification_preferences q ON q.user_id = c.user_id
    ON CONFLICT (user_id, thread_id) WHERE state = 'WAITING' DO NOTHING
    RETURNING *
  LOOP
    PERFORM schedule_mail(v_mail.id, v_mail.due_at);
  END LOOP;
  INSERT INTO notification_deliveries
    (message_id, user_id, channel, type, thread_id, sequence, outcome, reason, at, mail_id)
  SELECT c.message_id, c.user_id, 'MAIL', c.type, c.thread_id, c.sequence,
         (CASE WHEN c.objection IS NULL THEN 'WAITING' ELSE 'SUPPRESSED' END)::notification_outcome, c.objection, c.now, m.id
  FROM unnest(v_judged) AS c
  LEFT JOIN notification_mails m
    ON m.user_id = c.user_id AND m.thread_id = c.thread_id AND m.state = 'WAITING' AND c.objection IS NULL;
END $$;

-- Appends to the journals what their people were told of. No total moves.
CREATE FUNCTION journal_notifications(p_told notifications[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM inbox_lock((SELECT array_agg(DISTINCT t.user_id) FROM unnest(p_told) AS t));
  UPDATE inboxes i SET position = i.position + t.count
  FROM (SELECT user_id, count(*) AS count FROM unnest(p_told) GROUP BY user_id) AS t
  WHERE i.user_id = t.user_id;
  INSERT INTO inbox_entries
    (user_id, position, at, kind, thread_id, notification_id, unread_message_count, unread_thread_count)
  SELECT t.user_id, i.position - t.later, t.updated_at, 'NOTIFICATION_ADDED', t.thread_id, t.id, i.unread_message_count,
         i.unread_thread_count
  FROM (SELECT n.*, row_number() OVER (PARTITION BY n.user_id ORDER BY n.id DESC) - 1 AS later
        FROM unnest(p_told) AS n) AS t
  JOIN inboxes i ON i.user_id = t.user_id;
END $$;

-- Takes the journals of these people in, of each p_limit entries from where the notifier stands: makes, counts up, settles,
-- notes mails, and moves the positions, all in one transaction. Whatever dies in the middle has done nothing; what is done is
-- never done again.
-- p_at: now by the clock of the mails. p_delay_minutes: null where no mail is sent at all. p_waits: for a single person who
-- is asking, so for whoever holds their row or journal; else people whose row is held are left out, and a journal that is
-- held for long fails all.
-- reached: up to which position there is nothing left to take in, of whom that holds; behind: who is to be called again
-- (neither: left out); hints: whose journal grew by it.
CREATE FUNCTION notify_people(
  p_users text[], p_at timestamptz, p_limit integer, p_delay_minutes integer, p_waits boolean
) RETURNS TABLE (reached jsonb, behind text[], hints jsonb) LANGUAGE plpgsql
-- Plans are made once a session, not per batch; and whatever the statistics of that moment are, each join is a few probes of
-- an index.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
  v_reached jsonb;
  v_behind text[];
  v_new text[];
  v_now timestamptz;
  v_stretches notifier_stretch[];
  v_read notifier_stretch[];
  v_changed notifier_stretch[];
  v_messages notifier_stretch[];
  v_receipts notifier_stretch[];
  v_candidates notification_candidate[];
  v_told notifications[];
BEGIN
  SELECT jsonb_object_agg(asked.user_id, coalesce(i.position, 0)) FILTER (WHERE o.is_behind IS NOT TRUE),
         array_agg(asked.user_id) FILTER (WHERE o.is_behind),
         array_agg(asked.user_id) FILTER (WHERE o.is_behind AND n.user_id IS NULL)
  INTO v_reached, v_behind, v_new
  FROM unnest(p_users) AS asked (user_id)
  LEFT JOIN inboxes i ON i.user_id = asked.user_id
  LEFT JOIN notifier_positions n ON n.user_id = asked.user_id
  CROSS JOIN LATERAL (SELECT i.position > coalesce(n.position, 0)) AS o (is_behind);
  v_reached := coalesce(v_reached, '{}');
  IF v_behind IS NULL THEN
    RETURN QUERY SELECT v_reached, '{}'::text[], '{}'::jsonb;
    RETURN;
  END IF;
  IF v_new IS NOT NULL THEN
    INSERT INTO notifier_positions (user_id)
    SELECT u.id FROM unnest(v_new) AS u (id) ORDER BY u.id COLLATE "C" ON CONFLICT DO NOTHING;
  END IF;
  IF p_waits THEN
    PERFORM 1 FROM notifier_positions n WHERE n.user_id = ANY (v_behind) ORDER BY n.user_id FOR UPDATE;
  ELSE
    PERFORM set_config('lock_timeout', '1s', true);
  END IF;
  SELECT array_agg(n.user_id) INTO v_behind FROM (
    SELECT user_id FROM notifier_positions WHERE user_id = ANY (v_behind) ORDER BY user_id FOR UPDATE SKIP LOCKED
  ) AS n;
  v_now := current_instant();
  WITH held AS MATERIALIZED (
    SELECT e.has_read, e.has_changed, e.has_messages, e.has_receipts AND 'MESSAGE_READ' = ANY (c.wanted) AS has_receipts,
      ROW(
        n.user_id, n.position,
        -- Nothing left of it: the journal was trimmed under a notifier that was away for its whole retention.
        coalesce(e.position, greatest(n.position, i.position)),
        greatest(v_now, (SELECT max(o.updated_at) FROM notifications o WHERE o.user_id = n.user_id)),
        c.wanted
      )::notifier_stretch AS stretch
    FROM notifier_positions n
    JOIN inboxes i ON i.user_id = n.user_id
    LEFT JOIN notification_channel_preferences w ON w.user_id = n.user_id AND w.channel = 'IN_APP'
    CROSS JOIN LATERAL (SELECT channel_notification_types('IN_APP', w)) AS c (wanted)
    CROSS JOIN LATERAL (
      SELECT max(r.position) AS position,
        bool_or(r.kind IN ('THREAD_UPDATED', 'THREAD_REMOVED') OR r.kind = 'MESSAGE_READ' AND r.actor_id = n.user_id) AS has_read,
        bool_or(r.kind = 'MESSAGE_UPDATED') AS has_changed,
        bool_or(r.kind = 'MESSAGE_ADDED') AS has_messages,
        bool_or(r.kind = 'MESSAGE_READ' AND r.actor_id <> n.user_id) AS has_receipts
      FROM (SELECT o.position, o.kind, o.actor_id FROM inbox_entries o
            WHERE o.user_id = n.user_id AND o.position > n.position ORDER BY o.position LIMIT p_limit) AS r
    ) AS e
    WHERE n.user_id = ANY (v_behind)
  )
  SELECT array_agg(h.stretch), array_agg(h.stretch) FILTER (WHERE h.has_read),
         array_agg(h.stretch) FILTER (WHERE h.has_changed), array_agg(h.stretch) FILTER (WHERE h.has_messages),
         array_agg(h.stretch) FILTER (WHERE h.has_receipts)
  INTO v_stretches, v_read, v_changed, v_messages, v_receipts
  FROM held AS h;
  IF v_read IS NOT NULL THEN
    PERFORM settle_read_notifications(v_read);
  END IF;
  IF v_changed IS NOT NULL THEN
    PERFORM settle_deleted_messages(v_changed);
  END IF;
  IF v_messages IS NOT NULL THEN
    SELECT array_agg(c) INTO v_candidates FROM message_candidates(v_messages) AS c;
  END IF;
  IF v_receipts IS NOT NULL THEN
    v_candidates := v_candidates || (SELECT array_agg(c) FROM receipt_candidates(v_receipts) AS c);
  END IF;
  IF v_candidates IS NOT NULL THEN
    v_told := notify_in_app(v_candidates);
    IF p_delay_minutes IS NOT NULL THEN
      PERFORM notify_by_mail(v_candidates, p_delay_minutes, p_at);
    END IF;
  END IF;
  IF v_told IS NOT NULL THEN
    PERFORM journal_notifications(v_told);
  END IF;
  RETURN QUERY
  WITH moved AS (
    UPDATE notifier_positions n
    -- The notifier's own entries need not be read, where nobody else's lie between.
    SET position = CASE WHEN i.position = s.to_position + t.count THEN i.position ELSE s.to_position END
    FROM unnest(v_stretches) AS s
    JOIN inboxes i ON i.user_id = s.user_id
    LEFT JOIN (SELECT user_id, count(*) AS count FROM unnest(v_told) GROUP BY user_id) AS t ON t.user_id = s.user_id
    WHERE n.user_id = s.user_id
    RETURNING n.user_id, n.position, i.position AS head, t.count
  )
  SELECT v_reached || coalesce(jsonb_object_agg(user_id, position) FILTER (WHERE head <= position), '{}'),
         coalesce(array_agg(user_id) FILTER (WHERE head > position), '{}'),
         coalesce(jsonb_object_agg(user_id, head) FILTER (WHERE count > 0), '{}')
  FROM moved;
END $$;
