-- Notifications: made from the journals by a reader with a position of its own per person, so that sending a message does
-- not know of them (docs/notifications.md).
--
-- Rules that all functions below keep:
--   1. whatever is written of one person's notifications is written under the lock of that person's row in
--      notifier_positions. It comes before the inbox (thread, then notifier, then inbox), nobody takes it while holding an
--      inbox, and no transaction waits for two of them;
--   2. the thread is never locked here: what is decided is decided by its rows as they are, and whatever changes them
--      later comes as an entry of its own;
--   3. no foreign keys to threads, messages and people, for checking them would lock rows out of that order.

CREATE TYPE notification_type AS ENUM ('NEW_MESSAGE', 'MESSAGE_READ', 'SYSTEM_MESSAGE', 'THREAD_STATUS_CHANGED');
CREATE TYPE notification_channel AS ENUM ('IN_APP', 'MAIL');
CREATE TYPE notification_outcome AS ENUM ('WAITING', 'SENT', 'SUPPRESSED', 'WITHDRAWN', 'FAILED');
CREATE TYPE notification_reason AS ENUM (
  'READ', 'DELETED', 'MUTED', 'PREFERENCE', 'BLOCKED', 'LEFT', 'NO_ADDRESS', 'BOUNCED', 'GAVE_UP', 'UNCONFIRMED'
);
CREATE TYPE notification_mail_state AS ENUM (
  'WAITING', 'CLAIMED', 'HANDED_OVER', 'SENT', 'UNCONFIRMED', 'SUPPRESSED', 'FAILED', 'MERGED'
);

ALTER TABLE inbox_entries ADD COLUMN notification_id uuid;

CREATE TABLE notifier_positions (
  user_id text COLLATE "C" PRIMARY KEY,
  position bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
-- What was said before there were notifications makes none.
INSERT INTO notifier_positions (user_id, position) SELECT user_id, position FROM inboxes;

CREATE TABLE notifications (
  id uuid PRIMARY KEY,
  user_id text COLLATE "C" NOT NULL,
  type notification_type NOT NULL,
  thread_id uuid NOT NULL,
  message_id uuid NOT NULL,
  actor_id text COLLATE "C" NOT NULL,
  count integer NOT NULL CHECK (count >= 0),
  last_sequence integer NOT NULL,
  created_at timestamptz(3) NOT NULL,
  updated_at timestamptz(3) NOT NULL,
  read_at timestamptz(3)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX notifications_open ON notifications (user_id, thread_id, type) WHERE read_at IS NULL;
CREATE INDEX notifications_feed ON notifications (user_id, updated_at DESC, id DESC);

CREATE TABLE notification_deliveries (
  message_id uuid NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  channel notification_channel NOT NULL,
  type notification_type NOT NULL,
  thread_id uuid NOT NULL,
  sequence integer NOT NULL,
  outcome notification_outcome NOT NULL,
  reason notification_reason,
  at timestamptz(3) NOT NULL,
  notification_id uuid,
  is_counted boolean NOT NULL DEFAULT false,
  mail_id uuid,
  PRIMARY KEY (message_id, user_id, channel)
) WITH (fillfactor = 90);
CREATE INDEX notification_deliveries_counted ON notification_deliveries (notification_id, sequence) WHERE is_counted;
CREATE INDEX notification_deliveries_mail ON notification_deliveries (mail_id, sequence) WHERE mail_id IS NOT NULL;

CREATE TABLE notification_mails (
  id uuid PRIMARY KEY,
  user_id text COLLATE "C" NOT NULL,
  thread_id uuid NOT NULL,
  state notification_mail_state NOT NULL,
  due_at timestamptz(3) NOT NULL,
  through_sequence integer,
  claim uuid,
  claimed_by integer,
  claimed_at timestamptz(3),
  attempts integer NOT NULL DEFAULT 0,
  last_error text,
  created_at timestamptz(3) NOT NULL,
  updated_at timestamptz(3) NOT NULL
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX notification_mails_waiting ON notification_mails (user_id, thread_id) WHERE state = 'WAITING';
CREATE INDEX notification_mails_due ON notification_mails (due_at) WHERE state = 'WAITING';
CREATE INDEX notification_mails_claimed ON notification_mails (claimed_by) WHERE state IN ('CLAIMED', 'HANDED_OVER');

CREATE TABLE notification_preferences (
  user_id text COLLATE "C" PRIMARY KEY,
  quiet_from time(0),
  quiet_until time(0),
  mail_delay_minutes integer CHECK (mail_delay_minutes BETWEEN 0 AND 1440),
  updated_at timestamptz(3) NOT NULL,
  CHECK ((quiet_from IS NULL) = (quiet_until IS NULL) AND quiet_from IS DISTINCT FROM quiet_until OR quiet_from IS NULL)
);

CREATE TABLE notification_channel_preferences (
  user_id text COLLATE "C" NOT NULL,
  channel notification_channel NOT NULL,
  is_enabled boolean NOT NULL,
  types notification_type[] NOT NULL,
  PRIMARY KEY (user_id, channel)
);

-- What a channel tells of for whoever has not said otherwise. Receipts are told only to those who ask.
CREATE FUNCTION default_notification_types(p_channel notification_channel) RETURNS notification_type[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE p_channel
    WHEN 'IN_APP' THEN '{NEW_MESSAGE,SYSTEM_MESSAGE,THREAD_STATUS_CHANGED}'::notification_type[]
    WHEN 'MAIL' THEN '{NEW_MESSAGE,SYSTEM_MESSAGE}'::notification_type[]
  END
$$;

-- What a person wants to be told of by a channel; empty where it is switched off.
CREATE FUNCTION wanted_notification_types(p_user text, p_channel notification_channel) RETURNS notification_type[]
LANGUAGE sql STABLE AS $$
  SELECT coalesce(
    (SELECT CASE WHEN c.is_enabled THEN c.types ELSE '{}' END FROM notification_channel_preferences c
     WHERE c.user_id = p_user AND c.channel = p_channel),
    default_notification_types(p_channel))
$$;

-- The end of the quiet hours that p_at lies in, or null. The hours are those of the clock on the person's wall: from 22:00
-- until 08:00 they last nine hours in one night of the year and eleven in another. An end that the clock jumps over is
-- where it lands; of an end that comes twice, the second is waited for. A zone that PostgreSQL does not know counts as UTC.
CREATE FUNCTION quiet_hours_end(p_zone text, p_from time, p_until time, p_at timestamptz) RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_local timestamp;
  v_end timestamptz;
BEGIN
  IF p_from IS NULL THEN
    RETURN NULL;
  END IF;
  v_local := p_at AT TIME ZONE p_zone;
  IF p_from < p_until AND (v_local::time < p_from OR v_local::time >= p_until)
     OR p_from > p_until AND v_local::time < p_from AND v_local::time >= p_until THEN
    RETURN NULL;
  END IF;
  v_end := (v_local::date + (v_local::time >= p_until)::integer + p_until) AT TIME ZONE p_zone;
  -- Where the clock jumps over the end, PostgreSQL counts on as if it had not.
  IF (v_end AT TIME ZONE p_zone)::time <> p_until THEN
    v_end := date_trunc('hour', v_end AT TIME ZONE p_zone) AT TIME ZONE p_zone;
  END IF;
  RETURN CASE WHEN v_end > p_at THEN v_end END;
EXCEPTION WHEN invalid_parameter_value THEN
  RETURN quiet_hours_end('UTC', p_from, p_until, p_at);
END $$;

-- When a person's quiet hours end that p_at lies in, or null.
CREATE FUNCTION quiet_until(p_user text, p_at timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT quiet_hours_end(coalesce(u.time_zone, 'UTC'), q.quiet_from, q.quiet_until, p_at)
  FROM notification_preferences q JOIN users u ON u.id = q.user_id WHERE q.user_id = p_user
$$;

-- Why a person is not to be told of a message, by whatever channel, or null. p_at: the instant at which a mute counts.
CREATE FUNCTION notification_objection(p_message messages, p_participant participants, p_at timestamptz)
RETURNS notification_reason LANGUAGE sql STABLE AS $$
  SELECT (CASE
    WHEN (p_participant).user_id IS NULL THEN 'LEFT'
    WHEN (p_message).id IS NULL OR (p_message).deleted_at IS NOT NULL THEN 'DELETED'
    WHEN (p_participant).last_read_sequence >= (p_message).sequence THEN 'READ'
    WHEN (p_participant).muted_until > p_at THEN 'MUTED'
  END)::notification_reason
$$;

-- Something that a person may be told of. position: of the entry that says so; actor_id: who said it, or who has read it.
CREATE TYPE notification_candidate AS (
  position bigint, message_id uuid, thread_id uuid, sequence integer, type notification_type, actor_id text,
  objection notification_reason
);

-- What the entries of a person's journal between two positions give to tell: messages of others, and receipts for the
-- person's own messages (each message once, by whoever reads it first).
CREATE FUNCTION notification_candidates(p_user text, p_from bigint, p_to bigint, p_receipts boolean)
RETURNS SETOF notification_candidate LANGUAGE sql STABLE AS $$
  SELECT e.position, m.id, m.thread_id, m.sequence,
    (CASE
      WHEN m.message_type <> 'SYSTEM' THEN 'NEW_MESSAGE'
      -- Of its own accord parley says these; services say theirs with a clientMessageId.
      WHEN m.client_message_id IS NULL
        AND m.system_code IN ('thread.archived', 'thread.blocked', 'thread.unblocked', 'thread.reopened')
        THEN 'THREAD_STATUS_CHANGED'
      ELSE 'SYSTEM_MESSAGE'
    END)::notification_type,
    m.author_id, notification_objection(m, p, m.sent_at)
  FROM inbox_entries e
  JOIN messages m ON m.id = e.message_id
  LEFT JOIN participants p ON p.thread_id = e.thread_id AND p.user_id = p_user
  WHERE e.user_id = p_user AND e.position > p_from AND e.position <= p_to AND e.kind = 'MESSAGE_ADDED'
    AND m.author_id <> p_user
    AND NOT EXISTS (SELECT FROM notification_deliveries d
                    WHERE d.message_id = m.id AND d.user_id = p_user AND d.channel = 'IN_APP')
  UNION ALL
  (SELECT DISTINCT ON (m.id) e.position, m.id, m.thread_id, m.sequence, 'MESSAGE_READ'::notification_type, e.actor_id,
     (CASE
       WHEN p.muted_until > e.at THEN 'MUTED'
       -- Whoever has opened the thread since then has seen the ticks.
       WHEN EXISTS (SELECT FROM inbox_entries o WHERE o.user_id = p_user AND o.position > e.position AND o.position <= p_to
                      AND o.kind = 'MESSAGE_READ' AND o.actor_id = p_user AND o.thread_id = e.thread_id) THEN 'READ'
     END)::notification_reason
   FROM inbox_entries e
   JOIN participants p ON p.thread_id = e.thread_id AND p.user_id = p_user
   LEFT JOIN participants r ON r.thread_id = e.thread_id AND r.user_id = e.actor_id
   JOIN messages m ON m.thread_id = e.thread_id AND m.author_id = p_user AND m.message_type <> 'SYSTEM'
     AND m.deleted_at IS NULL AND m.sequence <= e.up_to_sequence
     AND m.sequence > greatest(coalesce(r.joined_sequence, 0), (
       SELECT max(b.up_to_sequence) FROM read_receipts b
       WHERE b.thread_id = e.thread_id AND b.user_id = e.actor_id AND b.up_to_sequence < e.up_to_sequence))
   WHERE p_receipts AND e.user_id = p_user AND e.position > p_from AND e.position <= p_to
     AND e.kind = 'MESSAGE_READ' AND e.actor_id <> p_user
     AND NOT EXISTS (SELECT FROM notification_deliveries d
                     WHERE d.message_id = m.id AND d.user_id = p_user AND d.channel = 'IN_APP')
   ORDER BY m.id, e.position)
$$;

-- Reflects what the entries between two positions say of notifications that are there: the person has read (part of) the
-- thread, or is no longer in it. Only one transaction at a time writes one person's rows, so these statements wait for
-- nobody and may feed each other.
CREATE FUNCTION settle_read_notifications(p_user text, p_from bigint, p_to bigint, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_threads uuid[];
BEGIN
  SELECT array_agg(DISTINCT e.thread_id) INTO v_threads FROM inbox_entries e
  WHERE e.user_id = p_user AND e.position > p_from AND e.position <= p_to
    AND (e.kind IN ('THREAD_UPDATED', 'THREAD_REMOVED') OR e.kind = 'MESSAGE_READ' AND e.actor_id = p_user);
  IF v_threads IS NULL THEN
    RETURN;
  END IF;
  UPDATE notifications n SET count = 0, read_at = p_now
  WHERE n.user_id = p_user AND n.thread_id = ANY (v_threads) AND n.read_at IS NULL
    AND NOT EXISTS (SELECT FROM participants p WHERE p.thread_id = n.thread_id AND p.user_id = p_user);
  UPDATE notifications n SET read_at = greatest(p.last_read_at, n.created_at)
  FROM participants p
  WHERE n.user_id = p_user AND n.thread_id = ANY (v_threads) AND n.read_at IS NULL AND n.type <> 'MESSAGE_READ'
    AND p.thread_id = n.thread_id AND p.user_id = p_user AND p.last_read_sequence >= n.last_sequence;
  UPDATE notifications n SET read_at = greatest(e.at, n.created_at)
  FROM inbox_entries e
  WHERE n.user_id = p_user AND n.thread_id = e.thread_id AND n.read_at IS NULL AND n.type = 'MESSAGE_READ'
    AND e.user_id = p_user AND e.position > p_from AND e.position <= p_to
    AND e.kind = 'MESSAGE_READ' AND e.actor_id = p_user;
  WITH passed AS (
    UPDATE notification_deliveries d SET is_counted = false
    FROM notifications n, participants p
    WHERE n.user_id = p_user AND n.thread_id = ANY (v_threads) AND n.read_at IS NULL AND n.type <> 'MESSAGE_READ'
      AND p.thread_id = n.thread_id AND p.user_id = p_user
      AND d.notification_id = n.id AND d.is_counted AND d.sequence <= p.last_read_sequence
    RETURNING d.notification_id
  )
  UPDATE notifications n SET count = n.count - gone.count
  FROM (SELECT notification_id, count(*)::integer AS count FROM passed GROUP BY notification_id) AS gone
  WHERE n.id = gone.notification_id;
END $$;

-- Takes deleted messages out of the notifications that count them. One that stands for nothing any more is gone.
CREATE FUNCTION settle_deleted_messages(p_user text, p_from bigint, p_to bigint, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_touched uuid[];
BEGIN
  WITH withdrawn AS (
    UPDATE notification_deliveries d
    SET is_counted = false, outcome = 'WITHDRAWN', reason = 'DELETED', at = p_now
    FROM inbox_entries e JOIN messages m ON m.id = e.message_id
    WHERE e.user_id = p_user AND e.position > p_from AND e.position <= p_to AND e.kind = 'MESSAGE_UPDATED'
      AND m.deleted_at IS NOT NULL
      AND d.message_id = m.id AND d.user_id = p_user AND d.channel = 'IN_APP' AND d.is_counted
    RETURNING d.notification_id
  ), lessened AS (
    UPDATE notifications n
    SET count = n.count - gone.count,
        read_at = CASE WHEN n.count = gone.count THEN coalesce(n.read_at, p_now) ELSE n.read_at END
    FROM (SELECT notification_id, count(*)::integer AS count FROM withdrawn GROUP BY notification_id) AS gone
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

-- Tells in the app: one unread notification per thread and type, which counts up. Ids sort as the entries that they come
-- from. Returns the notifications that are new or count more.
CREATE FUNCTION notify_in_app(
  p_user text, p_candidates notification_candidate[], p_wanted notification_type[], p_now timestamptz
) RETURNS TABLE (id uuid, thread_id uuid) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_told notifications[];
BEGIN
  WITH told AS (
    INSERT INTO notifications AS n
      (id, user_id, type, thread_id, message_id, actor_id, count, last_sequence, created_at, updated_at)
    SELECT uuid_v7(p_now, (max(c.position) % 2147483648)::integer), p_user, c.type, c.thread_id,
           (array_agg(c.message_id ORDER BY c.sequence DESC))[1], (array_agg(c.actor_id ORDER BY c.sequence DESC))[1],
           count(*), max(c.sequence), p_now, p_now
    FROM unnest(p_candidates) AS c WHERE c.objection IS NULL AND c.type = ANY (p_wanted)
    GROUP BY c.thread_id, c.type
    ON CONFLICT (user_id, thread_id, type) WHERE read_at IS NULL DO UPDATE
    SET count = n.count + excluded.count, updated_at = excluded.updated_at, actor_id = excluded.actor_id,
        message_id = excluded.message_id, last_sequence = excluded.last_sequence
    RETURNING n.*
  )
  SELECT array_agg(told) INTO v_told FROM told;
  INSERT INTO notification_deliveries
    (message_id, user_id, channel, type, thread_id, sequence, outcome, reason, at, notification_id, is_counted)
  SELECT c.message_id, p_user, 'IN_APP', c.type, c.thread_id, c.sequence,
         (CASE WHEN n.id IS NULL THEN 'SUPPRESSED' ELSE 'SENT' END)::notification_outcome,
         CASE WHEN n.id IS NULL THEN coalesce(c.objection, 'PREFERENCE') END, p_now, n.id, n.id IS NOT NULL
  FROM unnest(p_candidates) AS c
  LEFT JOIN unnest(v_told) AS n
    ON n.thread_id = c.thread_id AND n.type = c.type AND c.objection IS NULL AND c.type = ANY (p_wanted);
  RETURN QUERY SELECT n.id, n.thread_id FROM unnest(v_told) AS n ORDER BY n.id;
END $$;

-- Has the job queue look at a mail at an instant. The key makes it one job, whoever asks and however often.
CREATE FUNCTION schedule_mail(p_mail uuid, p_at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM graphile_worker.add_job(
    'send_mail', json_build_object('mailId', p_mail), run_at := p_at, job_key := 'mail:' || p_mail, max_attempts := 25);
END $$;

-- Notes what is to be told by mail when it is still unread after the delay: one waiting mail per thread takes it all in.
CREATE FUNCTION notify_by_mail(
  p_user text, p_candidates notification_candidate[], p_delay_minutes integer, p_at timestamptz, p_now timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_wanted notification_type[] := wanted_notification_types(p_user, 'MAIL');
  v_has_address boolean := EXISTS (SELECT FROM users u WHERE u.id = p_user AND u.email IS NOT NULL);
  v_due timestamptz;
  v_mail uuid;
BEGIN
  v_due := p_at + make_interval(mins => coalesce(
    (SELECT q.mail_delay_minutes FROM notification_preferences q WHERE q.user_id = p_user), p_delay_minutes));
  FOR v_mail IN
    INSERT INTO notification_mails (id, user_id, thread_id, state, due_at, created_at, updated_at)
    SELECT uuid_v7(p_now), p_user, c.thread_id, 'WAITING', v_due, p_now, p_now
    FROM unnest(p_candidates) AS c
    WHERE c.objection IS NULL AND c.type = ANY (v_wanted) AND c.type <> 'MESSAGE_READ' AND v_has_address
    GROUP BY c.thread_id
    ON CONFLICT (user_id, thread_id) WHERE state = 'WAITING' DO NOTHING
    RETURNING id
  LOOP
    PERFORM schedule_mail(v_mail, v_due);
  END LOOP;
  INSERT INTO notification_deliveries
    (message_id, user_id, channel, type, thread_id, sequence, outcome, reason, at, mail_id)
  SELECT c.message_id, p_user, 'MAIL', c.type, c.thread_id, c.sequence,
         (CASE WHEN o.objection IS NULL THEN 'WAITING' ELSE 'SUPPRESSED' END)::notification_outcome, o.objection, p_now,
         CASE WHEN o.objection IS NULL THEN m.id END
  FROM unnest(p_candidates) AS c
  CROSS JOIN LATERAL (SELECT coalesce(c.objection, CASE
      WHEN c.type <> ALL (v_wanted) THEN 'PREFERENCE'::notification_reason
      WHEN NOT v_has_address THEN 'NO_ADDRESS' END)) AS o (objection)
  LEFT JOIN notification_mails m ON m.user_id = p_user AND m.thread_id = c.thread_id AND m.state = 'WAITING'
  WHERE c.type <> 'MESSAGE_READ';
END $$;

-- Takes a person's journal in, from where the notifier stands: makes, counts up, settles, notes mails, and moves the
-- position, all in one transaction. Whatever dies in the middle has done nothing; what is done is never done again.
-- p_at: now by the clock of the mails. p_delay_minutes: null where no mail is sent at all. is_behind: call again.
CREATE FUNCTION notify_person(p_user text, p_at timestamptz, p_limit integer, p_delay_minutes integer)
RETURNS TABLE (is_behind boolean, hints jsonb) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz;
  v_from bigint;
  v_to bigint;
  v_inbox inboxes;
  v_wanted notification_type[];
  v_candidates notification_candidate[];
  v_ids uuid[];
  v_threads uuid[];
BEGIN
  IF NOT EXISTS (SELECT FROM inboxes i LEFT JOIN notifier_positions n ON n.user_id = i.user_id
                 WHERE i.user_id = p_user AND i.position > coalesce(n.position, 0)) THEN
    RETURN QUERY SELECT false, '{}'::jsonb;
    RETURN;
  END IF;
  INSERT INTO notifier_positions (user_id) VALUES (p_user) ON CONFLICT DO NOTHING;
  SELECT n.position INTO v_from FROM notifier_positions n WHERE n.user_id = p_user FOR UPDATE;
  SELECT i.* INTO v_inbox FROM inboxes i WHERE i.user_id = p_user;
  SELECT max(e.position) INTO v_to FROM (
    SELECT position FROM inbox_entries WHERE user_id = p_user AND position > v_from ORDER BY position LIMIT p_limit
  ) AS e;
  -- Nothing left of it: the journal was trimmed under a notifier that was away for its whole retention.
  v_to := coalesce(v_to, greatest(v_from, v_inbox.position));
  v_now := greatest(current_instant(), (SELECT max(n.updated_at) FROM notifications n WHERE n.user_id = p_user));
  PERFORM settle_read_notifications(p_user, v_from, v_to, v_now);
  PERFORM settle_deleted_messages(p_user, v_from, v_to, v_now);
  v_wanted := wanted_notification_types(p_user, 'IN_APP');
  SELECT array_agg(c) INTO v_candidates
  FROM notification_candidates(p_user, v_from, v_to, 'MESSAGE_READ' = ANY (v_wanted)) AS c;
  IF v_candidates IS NOT NULL THEN
    SELECT array_agg(t.id), array_agg(t.thread_id) INTO v_ids, v_threads
    FROM notify_in_app(p_user, v_candidates, v_wanted, v_now) AS t;
    IF p_delay_minutes IS NOT NULL THEN
      PERFORM notify_by_mail(p_user, v_candidates, p_delay_minutes, p_at, v_now);
    END IF;
  END IF;
  IF v_ids IS NOT NULL THEN
    UPDATE inboxes i SET position = i.position + cardinality(v_ids) WHERE i.user_id = p_user RETURNING i.* INTO v_inbox;
    INSERT INTO inbox_entries
      (user_id, position, at, kind, thread_id, notification_id, unread_message_count, unread_thread_count)
    SELECT p_user, v_inbox.position - cardinality(v_ids) + told.place, v_now, 'NOTIFICATION_ADDED', told.thread_id, told.id,
           v_inbox.unread_message_count, v_inbox.unread_thread_count
    FROM unnest(v_ids, v_threads) WITH ORDINALITY AS told (id, thread_id, place);
    -- One's own entries need not be read, where nobody else's lie between.
    IF v_inbox.position = v_to + cardinality(v_ids) THEN
      v_to := v_inbox.position;
    END IF;
  END IF;
  UPDATE notifier_positions n SET position = v_to WHERE n.user_id = p_user;
  RETURN QUERY SELECT v_inbox.position > v_to,
    CASE WHEN v_ids IS NULL THEN '{}' ELSE jsonb_build_object(p_user, v_inbox.position) END;
END $$;

-- Marks some of a person's notifications as read, or (null) all of them. outcome: OK, NOT_FOUND (one of them is not theirs).
CREATE FUNCTION mark_notifications_read(p_user text, p_ids uuid[]) RETURNS TABLE (outcome text) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM notifier_positions WHERE user_id = p_user FOR UPDATE;
  IF EXISTS (SELECT FROM unnest(p_ids) AS asked (id)
             WHERE NOT EXISTS (
               SELECT FROM notifications n JOIN participants p ON p.thread_id = n.thread_id AND p.user_id = n.user_id
               WHERE n.id = asked.id AND n.user_id = p_user)) THEN
    RETURN QUERY SELECT 'NOT_FOUND';
    RETURN;
  END IF;
  UPDATE notifications SET read_at = greatest(current_instant(), updated_at)
  WHERE user_id = p_user AND read_at IS NULL AND (p_ids IS NULL OR id = ANY (p_ids));
  RETURN QUERY SELECT 'OK';
END $$;

-- Drops what is older than p_days, a bounded piece at a time: ids begin with the time, so the oldest lie together. Returns
-- how many rows went.
CREATE FUNCTION prune_notifications(p_days integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  v_before timestamptz := now() - make_interval(days => p_days);
  v_id uuid := (lpad(to_hex(floor(extract(epoch FROM v_before) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;
  v_dropped integer := 0;
  v_count integer;
BEGIN
  DELETE FROM notification_deliveries d USING (
    SELECT o.ctid FROM notification_deliveries o WHERE o.message_id < v_id AND o.at < v_before AND o.outcome <> 'WAITING'
    ORDER BY o.message_id LIMIT 5000 FOR UPDATE SKIP LOCKED
  ) AS old WHERE d.ctid = old.ctid;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  v_dropped := v_dropped + v_count;
  DELETE FROM notifications n USING (
    SELECT o.ctid FROM notifications o WHERE o.id < v_id AND o.updated_at < v_before
    ORDER BY o.id LIMIT 5000 FOR UPDATE SKIP LOCKED
  ) AS old WHERE n.ctid = old.ctid;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  v_dropped := v_dropped + v_count;
  DELETE FROM notification_mails m USING (
    SELECT o.ctid FROM notification_mails o
    WHERE o.id < v_id AND o.updated_at < v_before AND o.state NOT IN ('WAITING', 'CLAIMED', 'HANDED_OVER')
    ORDER BY o.id LIMIT 5000 FOR UPDATE SKIP LOCKED
  ) AS old WHERE m.ctid = old.ctid;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_dropped + v_count;
END $$;

-- ── Mail ──
-- WAITING collects messages until it is due. A node claims it (CLAIMED) and decides what it says; right before the line
-- that makes the mail server responsible, it is HANDED_OVER, and from then on nobody sends it again; SENT when the server
-- has said yes, UNCONFIRMED when nobody lived to hear it. Both are final, and so are SUPPRESSED, FAILED and MERGED (its
-- messages went on to a younger waiting mail).

-- Whether the node that holds this key lives: it keeps an advisory lock, which PostgreSQL takes back at its death.
CREATE FUNCTION notifier_node_lives(p_node integer) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (
    SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.classid = 1886679916 AND l.granted
      AND l.objid::bigint = (p_node::bigint & 4294967295)
      AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))
$$;

CREATE FUNCTION hold_notifier_node(p_node integer) RETURNS boolean LANGUAGE sql VOLATILE AS $$
  SELECT pg_try_advisory_lock(1886679916, p_node)
$$;

-- The mail, under the lock of its person.
CREATE FUNCTION lock_mail(p_mail uuid) RETURNS notification_mails LANGUAGE plpgsql AS $$
DECLARE
  v_mail notification_mails;
BEGIN
  PERFORM 1 FROM notifier_positions n
  WHERE n.user_id = (SELECT m.user_id FROM notification_mails m WHERE m.id = p_mail) FOR UPDATE;
  SELECT m.* INTO v_mail FROM notification_mails m WHERE m.id = p_mail;
  RETURN v_mail;
END $$;

-- What a mail still has to tell, each message with what speaks against telling it now, or null.
CREATE FUNCTION mail_messages(p_mail notification_mails, p_at timestamptz)
RETURNS TABLE (message_id uuid, sequence integer, objection notification_reason) LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
  v_wanted notification_type[] := wanted_notification_types(p_mail.user_id, 'MAIL');
  v_has_address boolean := EXISTS (SELECT FROM users u WHERE u.id = p_mail.user_id AND u.email IS NOT NULL);
BEGIN
  RETURN QUERY
  SELECT d.message_id, d.sequence, coalesce(notification_objection(m, p, p_at), (CASE
    WHEN n.read_at IS NOT NULL THEN 'READ'
    WHEN t.status = 'BLOCKED' AND d.type <> 'THREAD_STATUS_CHANGED' THEN 'BLOCKED'
    WHEN d.type <> ALL (v_wanted) THEN 'PREFERENCE'
    WHEN NOT v_has_address THEN 'NO_ADDRESS'
  END)::notification_reason)
  FROM notification_deliveries d
  LEFT JOIN messages m ON m.id = d.message_id
  LEFT JOIN threads t ON t.id = d.thread_id
  LEFT JOIN participants p ON p.thread_id = d.thread_id AND p.user_id = d.user_id
  LEFT JOIN notification_deliveries a ON a.message_id = d.message_id AND a.user_id = d.user_id AND a.channel = 'IN_APP'
  LEFT JOIN notifications n ON n.id = a.notification_id
  WHERE d.mail_id = p_mail.id AND d.outcome = 'WAITING';
END $$;

-- Lets a mail wait (again) until p_due. Where a younger one waits for the same thread by now, its messages join that.
CREATE FUNCTION put_mail_back(p_mail notification_mails, p_due timestamptz, p_attempts integer, p_error text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := current_instant();
  v_other uuid;
BEGIN
  SELECT m.id INTO v_other FROM notification_mails m
  WHERE m.user_id = p_mail.user_id AND m.thread_id = p_mail.thread_id AND m.state = 'WAITING' AND m.id <> p_mail.id;
  UPDATE notification_deliveries d
  SET outcome = 'WAITING', reason = NULL, at = v_now, mail_id = coalesce(v_other, p_mail.id)
  WHERE d.mail_id = p_mail.id AND (d.outcome = 'WAITING' OR d.reason = 'UNCONFIRMED');
  UPDATE notification_mails m
  SET state = CASE WHEN v_other IS NULL THEN 'WAITING' ELSE 'MERGED' END::notification_mail_state, claim = NULL,
      claimed_by = NULL, claimed_at = NULL, due_at = p_due, attempts = p_attempts, last_error = p_error, updated_at = v_now
  WHERE m.id = p_mail.id;
  UPDATE notification_mails m SET due_at = p_due, attempts = greatest(m.attempts, p_attempts), updated_at = v_now
  WHERE m.id = v_other;
  PERFORM schedule_mail(coalesce(v_other, p_mail.id), p_due);
END $$;

-- Ends a mail: what it still had to tell gets the same outcome.
CREATE FUNCTION end_mail(
  p_mail notification_mails, p_state notification_mail_state, p_outcome notification_outcome, p_reason notification_reason,
  p_error text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := current_instant();
BEGIN
  UPDATE notification_deliveries d SET outcome = p_outcome, reason = p_reason, at = v_now
  WHERE d.mail_id = p_mail.id AND (d.outcome = 'WAITING' OR d.reason = 'UNCONFIRMED');
  UPDATE notification_mails m SET state = p_state, last_error = p_error, updated_at = v_now WHERE m.id = p_mail.id;
END $$;

-- Decides, when a mail is due, whether and what it says, and claims it. outcome: SEND; LATER (not due, or quiet hours: it
-- comes again by itself); SUPPRESSED (nothing left to tell); GONE (another has it, or it is done). The same claim again is
-- the same answer.
CREATE FUNCTION claim_mail(p_mail uuid, p_claim uuid, p_node integer, p_at timestamptz)
RETURNS TABLE (outcome text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_mail notification_mails := lock_mail(p_mail);
  v_quiet timestamptz;
  v_through integer;
BEGIN
  IF v_mail.id IS NULL OR v_mail.state <> 'WAITING' THEN
    RETURN QUERY SELECT CASE WHEN v_mail.state = 'CLAIMED' AND v_mail.claim = p_claim THEN 'SEND' ELSE 'GONE' END;
    RETURN;
  END IF;
  v_quiet := quiet_until(v_mail.user_id, p_at);
  IF v_mail.due_at > p_at OR v_quiet IS NOT NULL THEN
    PERFORM put_mail_back(v_mail, greatest(v_mail.due_at, v_quiet), v_mail.attempts, v_mail.last_error);
    RETURN QUERY SELECT 'LATER';
    RETURN;
  END IF;
  UPDATE notification_deliveries d SET outcome = 'SUPPRESSED', reason = o.objection, at = current_instant()
  FROM mail_messages(v_mail, p_at) AS o
  WHERE o.objection IS NOT NULL AND d.message_id = o.message_id AND d.user_id = v_mail.user_id AND d.channel = 'MAIL';
  SELECT max(d.sequence) INTO v_through FROM notification_deliveries d WHERE d.mail_id = p_mail AND d.outcome = 'WAITING';
  IF v_through IS NULL THEN
    PERFORM end_mail(v_mail, 'SUPPRESSED', 'SUPPRESSED', NULL, NULL);
    RETURN QUERY SELECT 'SUPPRESSED';
    RETURN;
  END IF;
  UPDATE notification_mails m
  SET state = 'CLAIMED', claim = p_claim, claimed_by = p_node, claimed_at = current_instant(), through_sequence = v_through,
      attempts = m.attempts + 1, updated_at = current_instant()
  WHERE m.id = p_mail;
  RETURN QUERY SELECT 'SEND';
END $$;

-- The last look, when the mail server has the whole mail but for the line that ends it. outcome: GO, and nobody ever sends
-- it again; CHANGED (somebody read, deleted, edited, muted … meanwhile: it is decided anew at once); LOST (the claim is
-- another's by now).
CREATE FUNCTION hand_over_mail(p_mail uuid, p_claim uuid, p_at timestamptz) RETURNS TABLE (outcome text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_mail notification_mails := lock_mail(p_mail);
BEGIN
  IF v_mail.claim IS DISTINCT FROM p_claim OR v_mail.state NOT IN ('CLAIMED', 'HANDED_OVER') THEN
    RETURN QUERY SELECT 'LOST';
  ELSIF v_mail.state = 'HANDED_OVER' THEN
    RETURN QUERY SELECT 'GO';
  ELSIF quiet_until(v_mail.user_id, p_at) IS NOT NULL OR EXISTS (
    SELECT FROM mail_messages(v_mail, p_at) AS o JOIN messages m ON m.id = o.message_id
    WHERE o.objection IS NOT NULL OR m.edited_at >= v_mail.claimed_at
  ) THEN
    PERFORM put_mail_back(v_mail, p_at, v_mail.attempts - 1, v_mail.last_error);
    RETURN QUERY SELECT 'CHANGED';
  ELSE
    UPDATE notification_mails m SET state = 'HANDED_OVER', updated_at = current_instant() WHERE m.id = p_mail;
    RETURN QUERY SELECT 'GO';
  END IF;
END $$;

-- What became of a claimed mail. p_state: SENT; UNCONFIRMED (handed over, and no answer came); FAILED with a reason; WAITING
-- with p_due for another try. Of a mail that is no longer this claim's nothing is written.
CREATE FUNCTION conclude_mail(
  p_mail uuid, p_claim uuid, p_state notification_mail_state, p_reason notification_reason, p_error text, p_due timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_mail notification_mails := lock_mail(p_mail);
BEGIN
  IF v_mail.claim IS DISTINCT FROM p_claim OR v_mail.state NOT IN ('CLAIMED', 'HANDED_OVER', 'UNCONFIRMED') THEN
    RETURN;
  END IF;
  CASE p_state
    WHEN 'WAITING' THEN PERFORM put_mail_back(v_mail, p_due, v_mail.attempts, p_error);
    WHEN 'FAILED' THEN PERFORM end_mail(v_mail, 'FAILED', 'FAILED', p_reason, p_error);
    WHEN 'SENT' THEN PERFORM end_mail(v_mail, 'SENT', 'SENT', NULL, NULL);
    WHEN 'UNCONFIRMED' THEN PERFORM end_mail(v_mail, 'UNCONFIRMED', 'SENT', 'UNCONFIRMED', p_error);
  END CASE;
END $$;

-- Puts right what dead nodes have left: a claimed mail waits again, for nothing of it has been accepted anywhere; one that
-- was handed over stays so, for it may have been. A waiting mail whose job has not come p_patience after it was due gets
-- another job. Returns how many mails it touched.
CREATE FUNCTION rescue_mails(p_at timestamptz, p_patience interval) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  v_mail notification_mails;
  v_touched integer := 0;
BEGIN
  FOR v_mail IN
    SELECT m.* FROM notification_mails m JOIN notifier_positions n ON n.user_id = m.user_id
    WHERE m.state IN ('CLAIMED', 'HANDED_OVER') AND NOT notifier_node_lives(m.claimed_by)
    ORDER BY m.user_id LIMIT 100 FOR UPDATE SKIP LOCKED
  LOOP
    IF v_mail.state = 'CLAIMED' THEN
      PERFORM put_mail_back(v_mail, p_at, v_mail.attempts, 'The node that was sending it has died.');
    ELSE
      PERFORM end_mail(v_mail, 'UNCONFIRMED', 'SENT', 'UNCONFIRMED', 'The node died before it had heard the answer.');
    END IF;
    v_touched := v_touched + 1;
  END LOOP;
  FOR v_mail IN
    SELECT m.* FROM notification_mails m WHERE m.state = 'WAITING' AND m.due_at < p_at - p_patience
    ORDER BY m.due_at LIMIT 100 FOR UPDATE SKIP LOCKED
  LOOP
    PERFORM schedule_mail(v_mail.id, v_mail.due_at);
    v_touched := v_touched + 1;
  END LOOP;
  RETURN v_touched;
END $$;

-- Saves what a person says of how to be told; what is not given stays. p_channels: [{ channel, enabled, types }], a null
-- in it keeps what is known.
CREATE FUNCTION save_notification_preferences(
  p_user text, p_channels jsonb, p_sets_quiet boolean, p_from time, p_until time, p_sets_delay boolean, p_delay integer
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO notification_preferences AS q (user_id, quiet_from, quiet_until, mail_delay_minutes, updated_at)
  VALUES (p_user, p_from, p_until, p_delay, current_instant())
  ON CONFLICT (user_id) DO UPDATE
  SET quiet_from = CASE WHEN p_sets_quiet THEN p_from ELSE q.quiet_from END,
      quiet_until = CASE WHEN p_sets_quiet THEN p_until ELSE q.quiet_until END,
      mail_delay_minutes = CASE WHEN p_sets_delay THEN p_delay ELSE q.mail_delay_minutes END,
      updated_at = excluded.updated_at;
  INSERT INTO notification_channel_preferences (user_id, channel, is_enabled, types)
  SELECT p_user, said.channel, coalesce(said.enabled, known.is_enabled, true),
         coalesce(said.types, known.types, default_notification_types(said.channel))
  FROM jsonb_to_recordset(p_channels) AS said (channel notification_channel, enabled boolean, types notification_type[])
  LEFT JOIN notification_channel_preferences known ON known.user_id = p_user AND known.channel = said.channel
  ORDER BY said.channel
  ON CONFLICT (user_id, channel) DO UPDATE SET is_enabled = excluded.is_enabled, types = excluded.types;
END $$;
