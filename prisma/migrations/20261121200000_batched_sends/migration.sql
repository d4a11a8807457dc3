-- Sends in batches: what is waiting is stored by one statement and one commit, set by set instead of message by message.

-- A message to be stored: judged, numbered, and under its thread's lock.
CREATE TYPE message_post AS (
  place integer,
  id uuid,
  thread_id uuid,
  sequence integer,
  author_id text,
  message_type message_type,
  body text,
  latitude double precision,
  longitude double precision,
  location_label text,
  system_code text,
  system_params jsonb,
  reply_to_id uuid,
  client_message_id text,
  content_digest bytea,
  sent_at timestamptz
);

-- How one participant's row stood before a post to the thread.
CREATE TYPE told_participant AS (thread_id uuid, user_id text, unread_before integer);

-- Stores messages and tells everybody in their threads; returns the journal entries that tell of them, oldest first for each
-- person: [user id, position, place of the post, unread messages, unread threads]. The caller holds the locks of the threads, has
-- checked everything, and has numbered the posts of each thread in the order of their places. This cannot refuse but for a
-- clientMessageId that the same author is using in another thread at this very moment: of a single post nothing is written
-- then and the answer is null; several are given up with unique_violation, to be tried one by one.
CREATE FUNCTION post_messages(p_posts message_post[]) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_count integer;
  v_told told_participant[];
  v_entries jsonb;
BEGIN
  INSERT INTO messages
    (id, thread_id, sequence, author_id, message_type, body, latitude, longitude, location_label, system_code,
     system_params, reply_to_id, client_message_id, content_digest, sent_at)
  SELECT p.id, p.thread_id, p.sequence, p.author_id, p.message_type, p.body, p.latitude, p.longitude, p.location_label,
         p.system_code, p.system_params, p.reply_to_id, p.client_message_id, p.content_digest, p.sent_at
  FROM unnest(p_posts) AS p
  ON CONFLICT (author_id, client_message_id) DO NOTHING;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  IF v_count < cardinality(p_posts) THEN
    IF cardinality(p_posts) > 1 THEN
      RAISE unique_violation USING MESSAGE = 'a clientMessageId is being used twice';
    END IF;
    RETURN NULL;
  END IF;
  UPDATE threads t
  SET last_sequence = p.sequence, last_message_id = p.id, last_message_at = p.sent_at, activity_at = p.sent_at,
      updated_at = p.sent_at
  FROM (SELECT DISTINCT ON (thread_id) * FROM unnest(p_posts) ORDER BY thread_id, sequence DESC) AS p
  WHERE t.id = p.thread_id;
  WITH told AS (
    UPDATE participants m
    SET activity_at = p.sent_at,
        unread_count = m.unread_count
          + (SELECT count(*) FROM unnest(p_posts) AS o WHERE o.thread_id = m.thread_id AND o.author_id <> m.user_id)
    FROM (SELECT thread_id, max(sent_at) AS sent_at FROM unnest(p_posts) GROUP BY thread_id) AS p
    WHERE m.thread_id = p.thread_id
    RETURNING m.thread_id, m.user_id,
      m.unread_count
        - (SELECT count(*) FROM unnest(p_posts) AS o WHERE o.thread_id = m.thread_id AND o.author_id <> m.user_id)
  )
  SELECT array_agg(told::told_participant) INTO v_told FROM told;
  PERFORM inbox_lock((SELECT array_agg(DISTINCT user_id) FROM unnest(v_told)));
  WITH news AS (
    SELECT t.user_id, p.thread_id, p.id, p.sent_at, p.place AS post,
           row_number() OVER mine AS place,
           sum((p.author_id <> t.user_id)::integer) OVER mine AS messages,
           sum((p.author_id <> t.user_id AND t.unread_before = 0 AND NOT EXISTS (
             SELECT FROM unnest(p_posts) AS o
             WHERE o.thread_id = p.thread_id AND o.author_id <> t.user_id AND o.place < p.place
           ))::integer) OVER mine AS threads
    FROM unnest(v_told) AS t JOIN unnest(p_posts) AS p ON p.thread_id = t.thread_id
    WINDOW mine AS (PARTITION BY t.user_id ORDER BY p.place)
  ), grown AS (
    UPDATE inboxes i
    SET position = i.position + n.places,
        unread_message_count = i.unread_message_count + n.messages,
        unread_thread_count = i.unread_thread_count + n.threads
    FROM (SELECT user_id, max(place) AS places, max(messages) AS messages, max(threads) AS threads
          FROM news GROUP BY user_id) AS n
    WHERE i.user_id = n.user_id
    RETURNING i.user_id, i.position, i.position - n.places AS old_position,
      i.unread_message_count - n.messages AS old_messages, i.unread_thread_count - n.threads AS old_threads
  ), written AS (
    INSERT INTO inbox_entries
      (user_id, position, at, kind, thread_id, message_id, unread_message_count, unread_thread_count)
    SELECT g.user_id, g.old_position + n.place, n.sent_at, 'MESSAGE_ADDED', n.thread_id, n.id,
           g.old_messages + n.messages, g.old_threads + n.threads
    FROM grown g JOIN news n ON n.user_id = g.user_id
  )
  SELECT jsonb_agg(jsonb_build_array(
      g.user_id, g.old_position + n.place, n.post, g.old_messages + n.messages, g.old_threads + n.threads
    ) ORDER BY n.post)
  INTO v_entries FROM grown g JOIN news n ON n.user_id = g.user_id;
  RETURN v_entries;
END $$;

CREATE TYPE judged_send AS (
  place integer, outcome text, known boolean, id uuid, sequence integer, sent_at timestamptz, display_name text, avatar_url text
);

-- Stores what several people say at once, in the order given; no two of p_sends have the same author and
-- clientMessageId. outcome of each: OK, NOT_FOUND, CONFLICT, THREAD_ARCHIVED, THREAD_BLOCKED, REPLY_NOT_FOUND. A repeat of
-- the same author's clientMessageId in the same thread gives the stored message's id with deduplicated true and touches
-- nothing. What a service says (SYSTEM) is written to the audit. The journal entries of all (see post_messages) are in the
-- first row.
CREATE FUNCTION send_messages(p_sends json)
RETURNS TABLE (
  outcome text, deduplicated boolean, id uuid, sequence integer, sent_at timestamptz, sender_display_name text,
  sender_avatar_url text, entries jsonb
) LANGUAGE plpgsql
-- Plans are made once a session, not per batch; and whatever the statistics of that moment are (none, right after the
-- first start), each join is a few probes of an index.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz;
  v_sends message_post[];
  v_judged judged_send[];
  v_posts message_post[];
  v_entries jsonb;
BEGIN
  SELECT array_agg(ROW(
    s.place, NULL, s.thread, NULL, s.author, s.type, s.body, s.latitude, s.longitude, s.label, s.code, s.params, s.reply_to,
    s.client_id, decode(s.digest, 'hex'), NULL
  )::message_post) INTO v_sends
  FROM ROWS FROM (json_to_recordset(p_sends) AS (
    thread uuid, author text, type message_type, body text, latitude double precision, longitude double precision,
    label text, code text, params jsonb, reply_to uuid, client_id text, digest text
  )) WITH ORDINALITY AS s (thread, author, type, body, latitude, longitude, label, code, params, reply_to, client_id, digest, place);
  PERFORM 1 FROM threads t WHERE t.id = ANY (SELECT s.thread_id FROM unnest(v_sends) AS s) ORDER BY t.id FOR NO KEY UPDATE;
  v_now := current_instant();
  SELECT array_agg(ROW(
      n.place, n.outcome, n.known_id IS NOT NULL,
      CASE WHEN n.known_id IS NOT NULL THEN n.known_id WHEN n.outcome = 'OK' THEN uuid_v7(n.at, n.next_sequence) END,
      CASE WHEN n.known_id IS NOT NULL THEN n.known_sequence WHEN n.outcome = 'OK' THEN n.next_sequence END,
      CASE WHEN n.known_id IS NOT NULL THEN n.known_at WHEN n.outcome = 'OK' THEN n.at END,
      n.display_name, n.avatar_url
    )::judged_send ORDER BY n.place)
  INTO v_judged
  FROM (
    -- Never before the message above it, even when the machine's clock was set back.
    SELECT j.*, greatest(v_now, j.activity_at) AS at,
           (j.last_sequence + row_number() OVER (PARTITION BY j.thread_id, j.outcome, j.known_id IS NULL ORDER BY j.place))::integer
             AS next_sequence
    FROM (
      SELECT s.place, s.thread_id, t.last_sequence, t.activity_at, u.display_name, u.avatar_url,
        CASE
          WHEN t.id IS NULL OR (s.message_type <> 'SYSTEM' AND v.user_id IS NULL) THEN 'NOT_FOUND'
          WHEN k.thread_id = s.thread_id AND k.content_digest = s.content_digest THEN 'OK'
          WHEN k.id IS NOT NULL THEN 'CONFLICT'
          WHEN t.status = 'BLOCKED' THEN 'THREAD_BLOCKED'
          WHEN t.status = 'ARCHIVED' AND s.message_type <> 'SYSTEM' THEN 'THREAD_ARCHIVED'
          WHEN s.reply_to_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM messages m WHERE m.id = s.reply_to_id AND m.thread_id = s.thread_id
          ) THEN 'REPLY_NOT_FOUND'
          ELSE 'OK'
        END AS outcome,
        CASE WHEN t.id IS NOT NULL AND (s.message_type = 'SYSTEM' OR v.user_id IS NOT NULL)
          AND k.thread_id = s.thread_id AND k.content_digest = s.content_digest THEN k.id END AS known_id,
        k.sequence AS known_sequence, k.sent_at AS known_at
      FROM unnest(v_sends) AS s
      LEFT JOIN threads t ON t.id = s.thread_id
      LEFT JOIN participants v ON v.thread_id = s.thread_id AND v.user_id = s.author_id
      LEFT JOIN messages k ON k.author_id = s.author_id AND k.client_message_id = s.client_message_id
      LEFT JOIN users u ON u.id = s.author_id
    ) AS j
  ) AS n;
  SELECT array_agg(ROW(
      s.place, j.id, s.thread_id, j.sequence, s.author_id, s.message_type, s.body, s.latitude, s.longitude,
      s.location_label, s.system_code, s.system_params, s.reply_to_id, s.client_message_id, s.content_digest, j.sent_at
    )::message_post ORDER BY s.place)
  INTO v_posts
  FROM unnest(v_sends) AS s JOIN unnest(v_judged) AS j ON j.place = s.place
  WHERE j.outcome = 'OK' AND NOT j.known;
  IF v_posts IS NOT NULL THEN
    v_entries := post_messages(v_posts);
    IF v_entries IS NULL THEN
      v_judged[1].outcome := 'CONFLICT';
    ELSIF EXISTS (SELECT FROM unnest(v_posts) AS p WHERE p.message_type = 'SYSTEM') THEN
      INSERT INTO audit_entries (actor_id, action, thread_id, message_id, details)
      SELECT p.author_id, 'message.sent', p.thread_id, p.id, jsonb_strip_nulls(jsonb_build_object('code', p.system_code))
      FROM unnest(v_posts) AS p WHERE p.message_type = 'SYSTEM' ORDER BY p.place;
    END IF;
  END IF;
  RETURN QUERY
  SELECT j.outcome, j.known, j.id, j.sequence, j.sent_at, j.display_name, j.avatar_url,
         CASE WHEN j.place = 1 THEN v_entries END
  FROM unnest(v_judged) AS j ORDER BY j.place;
END $$;

-- As before, with the system message stored by the function above.
CREATE OR REPLACE FUNCTION set_thread_status(p_thread uuid, p_by text, p_moderates boolean, p_status thread_status, p_reason text)
RETURNS TABLE (outcome text, hints jsonb) LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off AS $$
#variable_conflict use_column
DECLARE
  v_thread threads;
  v_outcome text;
  v_code text;
  v_params jsonb;
  v_now timestamptz;
BEGIN
  SELECT t.* INTO v_thread FROM threads t WHERE t.id = p_thread FOR NO KEY UPDATE;
  v_outcome := CASE
    WHEN v_thread.id IS NULL OR NOT (p_moderates OR EXISTS (
      SELECT FROM participants p WHERE p.thread_id = p_thread AND p.user_id = p_by
    )) THEN 'NOT_FOUND'
    WHEN v_thread.status = p_status THEN 'OK'
    WHEN v_thread.status = 'BLOCKED' AND NOT p_moderates AND v_thread.blocked_by_id <> p_by THEN 'FORBIDDEN'
  END;
  IF v_outcome IS NOT NULL THEN
    RETURN QUERY SELECT v_outcome, '{}'::jsonb;
    RETURN;
  END IF;
  v_code := CASE
    WHEN p_status = 'ARCHIVED' THEN 'thread.archived'
    WHEN p_status = 'BLOCKED' THEN 'thread.blocked'
    WHEN v_thread.status = 'BLOCKED' THEN 'thread.unblocked'
    ELSE 'thread.reopened'
  END;
  v_params := jsonb_build_array(jsonb_build_object('key', 'by', 'value', p_by));
  IF p_reason IS NOT NULL THEN
    v_params := v_params || jsonb_build_object('key', 'reason', 'value', p_reason);
  END IF;
  v_now := greatest(current_instant(), v_thread.activity_at);
  PERFORM post_messages(ARRAY[ROW(
    1, uuid_v7(v_now, v_thread.last_sequence + 1), p_thread, v_thread.last_sequence + 1, p_by, 'SYSTEM',
    CASE v_code WHEN 'thread.archived' THEN 'The conversation was archived.'
                WHEN 'thread.blocked' THEN 'The conversation was blocked.'
                WHEN 'thread.unblocked' THEN 'The conversation was unblocked.'
                ELSE 'The conversation was reopened.' END,
    NULL, NULL, NULL, v_code, v_params, NULL, NULL, NULL, v_now)::message_post]);
  UPDATE threads SET status = p_status, blocked_by_id = CASE WHEN p_status = 'BLOCKED' THEN p_by END WHERE id = p_thread;
  IF p_moderates THEN
    INSERT INTO audit_entries (actor_id, action, thread_id, details)
    VALUES (p_by, v_code, p_thread, jsonb_strip_nulls(jsonb_build_object('from', v_thread.status, 'reason', p_reason)));
  END IF;
  RETURN QUERY SELECT 'OK', inbox_append_to_thread('THREAD_UPDATED', v_now, p_thread);
END $$;

DROP FUNCTION send_message;
DROP FUNCTION post_message;

-- A message moves its thread to the front of the lists. The list of all threads (of services and admins) follows the
-- tourists' rows, of which every thread has one and which the inbox's index moves anyway: so a message writes no index of
-- threads at all.
DROP INDEX threads_activity;
CREATE INDEX participants_activity ON participants (activity_at DESC, thread_id DESC) WHERE role = 'TOURIST';
