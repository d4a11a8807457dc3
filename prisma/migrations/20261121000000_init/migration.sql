-- People, threads, messages and the journal, with every writing function.
--
-- Rules that all functions below keep (docs/architecture.md, "Locks"):
--   1. people first where their rows are locked at all (in the order of their ids), then threads (FOR NO KEY UPDATE, in the
--      order of their ids), then the inboxes, in the order of the user id;
--   2. one statement per step: each sees a fresh snapshot after it has waited for a lock. A single statement with
--      data-modifying CTEs that feeds a row lock loses rows under contention;
--   3. a refusal is an outcome that is returned, not an exception: nothing has been written by then;
--   4. `hints` maps each person whose journal grew to its new position.

-- User ids compare by bytes, so that every node and every locale locks them in the same order.

CREATE TYPE thread_status AS ENUM ('ACTIVE', 'ARCHIVED', 'BLOCKED');
CREATE TYPE participant_role AS ENUM ('TOURIST', 'GUIDE', 'MEMBER', 'SUPPORT');
CREATE TYPE message_type AS ENUM ('TEXT', 'SYSTEM', 'IMAGE', 'FILE', 'LOCATION');
CREATE TYPE inbox_entry_kind AS ENUM (
  'MESSAGE_ADDED', 'MESSAGE_UPDATED', 'MESSAGE_READ', 'MESSAGE_DELIVERED', 'THREAD_UPDATED', 'THREAD_REMOVED',
  'NOTIFICATION_ADDED'
);

CREATE TABLE users (
  id text COLLATE "C" PRIMARY KEY CHECK (id <> '' AND length(id) <= 64),
  display_name text,
  avatar_url text,
  email text,
  time_zone text,
  locale text,
  last_seen_at timestamptz(3),
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now()
);

CREATE TABLE threads (
  id uuid PRIMARY KEY,
  trip_id text,
  tourist_id text COLLATE "C" NOT NULL REFERENCES users (id),
  guide_id text COLLATE "C" NOT NULL REFERENCES users (id),
  status thread_status NOT NULL DEFAULT 'ACTIVE',
  blocked_by_id text COLLATE "C",
  last_sequence integer NOT NULL DEFAULT 0,
  last_message_id uuid,
  last_message_at timestamptz(3),
  activity_at timestamptz(3) NOT NULL,
  created_at timestamptz(3) NOT NULL,
  updated_at timestamptz(3) NOT NULL,
  CHECK (tourist_id <> guide_id)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX threads_key ON threads (tourist_id, guide_id, trip_id) NULLS NOT DISTINCT;
CREATE INDEX threads_guide_id_idx ON threads (guide_id);
CREATE INDEX threads_trip_id_idx ON threads (trip_id);
CREATE INDEX threads_activity ON threads (activity_at DESC, id DESC);

CREATE TABLE participants (
  thread_id uuid NOT NULL REFERENCES threads (id) ON DELETE CASCADE,
  user_id text COLLATE "C" NOT NULL REFERENCES users (id),
  role participant_role NOT NULL,
  joined_at timestamptz(3) NOT NULL,
  joined_sequence integer NOT NULL DEFAULT 0,
  last_read_sequence integer NOT NULL DEFAULT 0,
  last_read_at timestamptz(3),
  last_delivered_sequence integer NOT NULL DEFAULT 0,
  unread_count integer NOT NULL DEFAULT 0 CHECK (unread_count >= 0),
  muted_until timestamptz(3),
  activity_at timestamptz(3) NOT NULL,
  PRIMARY KEY (thread_id, user_id)
) WITH (fillfactor = 80);
CREATE INDEX participants_inbox ON participants (user_id, activity_at DESC, thread_id DESC);

CREATE TABLE messages (
  id uuid PRIMARY KEY,
  thread_id uuid NOT NULL REFERENCES threads (id) ON DELETE CASCADE,
  sequence integer NOT NULL,
  author_id text COLLATE "C" NOT NULL,
  message_type message_type NOT NULL,
  body text NOT NULL,
  latitude double precision,
  longitude double precision,
  location_label text,
  system_code text,
  system_params jsonb,
  reply_to_id uuid,
  client_message_id text COLLATE "C",
  content_digest bytea,
  sent_at timestamptz(3) NOT NULL,
  edited_at timestamptz(3),
  deleted_at timestamptz(3)
);
CREATE UNIQUE INDEX messages_thread_id_sequence_key ON messages (thread_id, sequence);
CREATE UNIQUE INDEX messages_author_id_client_message_id_key ON messages (author_id, client_message_id);
-- For the filters of a thread's history: what is rare in it must be found without reading all of it.
CREATE INDEX messages_of_author ON messages (thread_id, author_id, sequence);
CREATE INDEX messages_of_type ON messages (thread_id, message_type, sequence) WHERE message_type <> 'TEXT';

CREATE TABLE message_versions (
  message_id uuid NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
  version integer NOT NULL,
  body text NOT NULL,
  replaced_by text COLLATE "C" NOT NULL,
  replaced_at timestamptz(3) NOT NULL,
  PRIMARY KEY (message_id, version)
);

CREATE TABLE read_receipts (
  thread_id uuid NOT NULL REFERENCES threads (id) ON DELETE CASCADE,
  user_id text COLLATE "C" NOT NULL,
  up_to_sequence integer NOT NULL,
  read_at timestamptz(3) NOT NULL,
  PRIMARY KEY (thread_id, user_id, up_to_sequence)
);

CREATE TABLE inboxes (
  user_id text COLLATE "C" PRIMARY KEY REFERENCES users (id),
  position bigint NOT NULL DEFAULT 0,
  floor bigint NOT NULL DEFAULT 0,
  unread_message_count integer NOT NULL DEFAULT 0 CHECK (unread_message_count >= 0),
  unread_thread_count integer NOT NULL DEFAULT 0 CHECK (unread_thread_count >= 0)
) WITH (fillfactor = 70);

CREATE TABLE inbox_entries (
  user_id text COLLATE "C" NOT NULL,
  position bigint NOT NULL,
  at timestamptz(3) NOT NULL,
  kind inbox_entry_kind NOT NULL,
  thread_id uuid NOT NULL,
  message_id uuid,
  actor_id text COLLATE "C",
  up_to_sequence integer,
  unread_message_count integer NOT NULL,
  unread_thread_count integer NOT NULL,
  PRIMARY KEY (user_id, position)
);

CREATE TABLE audit_entries (
  id bigserial PRIMARY KEY,
  at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  actor_id text COLLATE "C" NOT NULL,
  action text NOT NULL,
  thread_id uuid,
  message_id uuid,
  user_id text COLLATE "C",
  details jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_entries_thread_id_idx ON audit_entries (thread_id);

-- The clock of everything that is stored: milliseconds, as the API shows them.
CREATE FUNCTION current_instant() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
  SELECT date_trunc('milliseconds', clock_timestamp())
$$;

-- A UUIDv7 (RFC 9562, section 5.7 and the counter of 6.2, method 1): 48 bits of Unix milliseconds, the 31 bits of
-- p_counter, 43 random bits. With a message's sequence as the counter, ids sort within a thread as the sequences do, also
-- inside one millisecond. PostgreSQL has uuidv7() from 18 on only, and without instant and counter.
CREATE FUNCTION uuid_v7(p_at timestamptz, p_counter integer DEFAULT floor(random() * 2147483647)::integer) RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
  SELECT (lpad(to_hex(floor(extract(epoch FROM p_at) * 1000)::bigint), 12, '0')
    || '7' || lpad(to_hex(p_counter >> 19), 3, '0')
    || to_hex((-9223372036854775808)::bigint
         | ((p_counter & 524287)::bigint << 43)
         | floor(random() * 8796093022208)::bigint))::uuid
$$;

-- Creates the people (and their journals) that are not there yet, in the order of their ids.
CREATE FUNCTION ensure_users(p_ids text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO users (id) SELECT DISTINCT u FROM unnest(p_ids) AS u ORDER BY u ON CONFLICT DO NOTHING;
  INSERT INTO inboxes (user_id) SELECT DISTINCT u FROM unnest(p_ids) AS u ORDER BY u ON CONFLICT DO NOTHING;
END $$;

-- Keeps these people's profiles as they are until the end of the transaction. Whoever brings somebody into a thread takes
-- this first: see tell_threads_of.
CREATE FUNCTION hold_profiles(p_ids text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM users WHERE id = ANY (p_ids) ORDER BY id FOR KEY SHARE;
END $$;

-- Locks the journals of these people, in the order that everybody keeps.
CREATE FUNCTION inbox_lock(p_users text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM inboxes WHERE user_id = ANY (p_users) ORDER BY user_id FOR NO KEY UPDATE;
END $$;

-- Appends one entry to the journal of each of these people and moves their totals; returns the hints.
-- The caller holds the thread's lock; p_messages and p_threads are the changes of the two totals, person by person.
CREATE FUNCTION inbox_append(
  p_users text[], p_messages integer[], p_threads integer[], p_kind inbox_entry_kind, p_at timestamptz, p_thread uuid,
  p_message uuid DEFAULT NULL, p_actor text DEFAULT NULL, p_up_to integer DEFAULT NULL
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_hints jsonb;
BEGIN
  PERFORM inbox_lock(p_users);
  WITH grown AS (
    UPDATE inboxes i
    SET position = i.position + 1,
        unread_message_count = i.unread_message_count + d.messages,
        unread_thread_count = i.unread_thread_count + d.threads
    FROM unnest(p_users, p_messages, p_threads) AS d (user_id, messages, threads)
    WHERE i.user_id = d.user_id
    RETURNING i.*
  ), written AS (
    INSERT INTO inbox_entries
      (user_id, position, at, kind, thread_id, message_id, actor_id, up_to_sequence, unread_message_count, unread_thread_count)
    SELECT user_id, position, p_at, p_kind, p_thread, p_message, p_actor, p_up_to, unread_message_count, unread_thread_count
    FROM grown
    RETURNING user_id, position
  )
  SELECT coalesce(jsonb_object_agg(user_id, position), '{}') INTO v_hints FROM written;
  RETURN v_hints;
END $$;

-- The same for everybody in a thread, where no total moves.
CREATE FUNCTION inbox_append_to_thread(
  p_kind inbox_entry_kind, p_at timestamptz, p_thread uuid, p_message uuid DEFAULT NULL
) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
  SELECT inbox_append(array_agg(user_id), array_agg(0), array_agg(0), p_kind, p_at, p_thread, p_message)
  FROM participants WHERE thread_id = p_thread
$$;

-- get-or-create. created is false where the thread was there already; it is never changed then.
-- p_service: who opens it for the two, written to the audit; null where it is one of them.
CREATE FUNCTION open_thread(p_trip text, p_tourist text, p_guide text, p_service text)
RETURNS TABLE (thread_id uuid, created boolean, hints jsonb) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz;
  v_id uuid;
BEGIN
  SELECT t.id INTO v_id FROM threads t
  WHERE t.tourist_id = p_tourist AND t.guide_id = p_guide AND t.trip_id IS NOT DISTINCT FROM p_trip;
  IF v_id IS NOT NULL THEN
    RETURN QUERY SELECT v_id, false, '{}'::jsonb;
    RETURN;
  END IF;
  PERFORM ensure_users(ARRAY[p_tourist, p_guide]);
  PERFORM hold_profiles(ARRAY[p_tourist, p_guide]);
  v_now := current_instant();
  INSERT INTO threads (id, trip_id, tourist_id, guide_id, activity_at, created_at, updated_at)
  VALUES (uuid_v7(v_now), p_trip, p_tourist, p_guide, v_now, v_now, v_now)
  ON CONFLICT (tourist_id, guide_id, trip_id) DO NOTHING
  RETURNING id INTO v_id;
  IF v_id IS NULL THEN
    SELECT t.id INTO v_id FROM threads t
    WHERE t.tourist_id = p_tourist AND t.guide_id = p_guide AND t.trip_id IS NOT DISTINCT FROM p_trip;
    RETURN QUERY SELECT v_id, false, '{}'::jsonb;
    RETURN;
  END IF;
  INSERT INTO participants (thread_id, user_id, role, joined_at, activity_at)
  VALUES (v_id, p_tourist, 'TOURIST', v_now, v_now), (v_id, p_guide, 'GUIDE', v_now, v_now);
  IF p_service IS NOT NULL THEN
    INSERT INTO audit_entries (actor_id, action, thread_id, details)
    VALUES (p_service, 'thread.opened', v_id, jsonb_strip_nulls(jsonb_build_object(
      'touristId', p_tourist, 'guideId', p_guide, 'tripId', p_trip)));
  END IF;
  RETURN QUERY SELECT v_id, true, inbox_append_to_thread('THREAD_UPDATED', v_now, v_id);
END $$;

-- Numbers and stores a message and tells everybody in the thread. The caller holds the thread's lock, has passed its row
-- in and has checked everything, so this cannot refuse but for a clientMessageId that the same author is using in
-- another thread at this very moment: then nothing is written and the id is null.
CREATE FUNCTION post_message(
  p_thread threads, p_author text, p_type message_type, p_body text, p_latitude double precision,
  p_longitude double precision, p_label text, p_code text, p_params jsonb, p_reply_to uuid, p_client_id text,
  p_digest bytea, OUT id uuid, OUT sequence integer, OUT sent_at timestamptz, OUT hints jsonb
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  -- Never before the message above it, even when the machine's clock was set back.
  v_now timestamptz := greatest(current_instant(), p_thread.activity_at);
  v_users text[];
  v_messages integer[];
  v_threads integer[];
BEGIN
  INSERT INTO messages AS m
    (id, thread_id, sequence, author_id, message_type, body, latitude, longitude, location_label, system_code,
     system_params, reply_to_id, client_message_id, content_digest, sent_at)
  VALUES
    (uuid_v7(v_now, p_thread.last_sequence + 1), p_thread.id, p_thread.last_sequence + 1, p_author, p_type, p_body, p_latitude, p_longitude, p_label,
     p_code, p_params, p_reply_to, p_client_id, p_digest, v_now)
  ON CONFLICT (author_id, client_message_id) DO NOTHING
  RETURNING m.id, m.sequence, m.sent_at INTO post_message.id, post_message.sequence, post_message.sent_at;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  UPDATE threads t
  SET last_sequence = post_message.sequence, last_message_id = post_message.id, last_message_at = v_now,
      activity_at = v_now, updated_at = v_now
  WHERE t.id = p_thread.id;
  WITH told AS (
    UPDATE participants p
    SET activity_at = v_now, unread_count = p.unread_count + (p.user_id <> p_author)::integer
    WHERE p.thread_id = p_thread.id
    RETURNING p.user_id, p.unread_count
  )
  SELECT array_agg(user_id), array_agg((user_id <> p_author)::integer),
         array_agg((user_id <> p_author AND unread_count = 1)::integer)
  INTO v_users, v_messages, v_threads FROM told;
  post_message.hints := inbox_append(
    v_users, v_messages, v_threads, 'MESSAGE_ADDED', v_now, p_thread.id, post_message.id);
END $$;

-- outcome: OK, NOT_FOUND, CONFLICT, THREAD_ARCHIVED, THREAD_BLOCKED, REPLY_NOT_FOUND. A repeat of the same author's
-- clientMessageId in the same thread gives the stored message's id with deduplicated true and touches nothing. What a
-- service says (SYSTEM) is written to the audit.
CREATE FUNCTION send_message(
  p_thread uuid, p_author text, p_type message_type, p_body text, p_latitude double precision,
  p_longitude double precision, p_label text, p_code text, p_params jsonb, p_reply_to uuid, p_client_id text,
  p_digest bytea
) RETURNS TABLE (outcome text, deduplicated boolean, id uuid, sequence integer, sent_at timestamptz, hints jsonb)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_thread threads;
  v_known messages;
  v_posted record;
  v_outcome text;
BEGIN
  SELECT * INTO v_thread FROM threads t WHERE t.id = p_thread FOR NO KEY UPDATE;
  IF NOT FOUND OR (p_type <> 'SYSTEM' AND NOT EXISTS (
    SELECT FROM participants p WHERE p.thread_id = p_thread AND p.user_id = p_author
  )) THEN
    v_outcome := 'NOT_FOUND';
  ELSE
    SELECT * INTO v_known FROM messages m WHERE m.author_id = p_author AND m.client_message_id = p_client_id;
    IF FOUND AND v_known.thread_id = p_thread AND v_known.content_digest = p_digest THEN
      RETURN QUERY SELECT 'OK', true, v_known.id, v_known.sequence, v_known.sent_at::timestamptz, '{}'::jsonb;
      RETURN;
    END IF;
    v_outcome := CASE
      WHEN v_known.id IS NOT NULL THEN 'CONFLICT'
      WHEN v_thread.status = 'BLOCKED' THEN 'THREAD_BLOCKED'
      WHEN v_thread.status = 'ARCHIVED' AND p_type <> 'SYSTEM' THEN 'THREAD_ARCHIVED'
      WHEN p_reply_to IS NOT NULL AND NOT EXISTS (
        SELECT FROM messages m WHERE m.id = p_reply_to AND m.thread_id = p_thread
      ) THEN 'REPLY_NOT_FOUND'
    END;
  END IF;
  IF v_outcome IS NOT NULL THEN
    RETURN QUERY SELECT v_outcome, false, NULL::uuid, NULL::integer, NULL::timestamptz, '{}'::jsonb;
    RETURN;
  END IF;
  SELECT * INTO v_posted FROM post_message(
    v_thread, p_author, p_type, p_body, p_latitude, p_longitude, p_label, p_code, p_params, p_reply_to, p_client_id, p_digest);
  IF p_type = 'SYSTEM' AND v_posted.id IS NOT NULL THEN
    INSERT INTO audit_entries (actor_id, action, thread_id, message_id, details)
    VALUES (p_author, 'message.sent', p_thread, v_posted.id, jsonb_strip_nulls(jsonb_build_object('code', p_code)));
  END IF;
  RETURN QUERY SELECT CASE WHEN v_posted.id IS NULL THEN 'CONFLICT' ELSE 'OK' END, false, v_posted.id, v_posted.sequence,
                      v_posted.sent_at, coalesce(v_posted.hints, '{}');
END $$;

-- Trims journals: what is older than p_days, and what lies beyond the newest p_entries of a person. At most 100 people and
-- 1,000 entries of each at a time; people whose row is locked by a writer are left for the next round.
-- Returns how many entries were dropped.
CREATE FUNCTION inbox_trim(p_days integer, p_entries integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  v_oldest timestamptz := now() - make_interval(days => p_days);
  v_dropped integer := 0;
  v_floor bigint;
  v_count integer;
  v_inbox inboxes;
BEGIN
  FOR v_inbox IN
    SELECT i.* FROM inboxes i
    WHERE i.position > i.floor
      AND (i.position - i.floor > p_entries
        OR EXISTS (SELECT FROM inbox_entries e
                   WHERE e.user_id = i.user_id AND e.position = i.floor + 1 AND e.at < v_oldest))
    ORDER BY i.user_id LIMIT 100 FOR NO KEY UPDATE SKIP LOCKED
  LOOP
    SELECT coalesce(max(e.position), v_inbox.floor) INTO v_floor
    FROM (SELECT position, at FROM inbox_entries
          WHERE user_id = v_inbox.user_id AND position > v_inbox.floor ORDER BY position LIMIT 1000) AS e
    WHERE e.at < v_oldest OR e.position <= v_inbox.position - p_entries;
    UPDATE inboxes SET floor = v_floor WHERE user_id = v_inbox.user_id;
    DELETE FROM inbox_entries WHERE user_id = v_inbox.user_id AND position <= v_floor;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_dropped := v_dropped + v_count;
  END LOOP;
  RETURN v_dropped;
END $$;

-- Keeps what a message said before it changes.
CREATE FUNCTION keep_message_version(p_message messages, p_by text, p_at timestamptz) RETURNS void
LANGUAGE sql VOLATILE AS $$
  INSERT INTO message_versions (message_id, version, body, replaced_by, replaced_at)
  SELECT p_message.id, coalesce(max(v.version), 0) + 1, p_message.body, p_by, p_at
  FROM message_versions v WHERE v.message_id = p_message.id
$$;

-- outcome: OK, NOT_FOUND, FORBIDDEN (another's message), NOT_TEXT, DELETED, THREAD_ARCHIVED, THREAD_BLOCKED.
-- The same body again changes nothing and tells nobody. p_moderates: a service or an admin, who sees every message.
CREATE FUNCTION edit_message(p_message uuid, p_editor text, p_moderates boolean, p_body text)
RETURNS TABLE (outcome text, hints jsonb) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz;
  v_thread threads;
  v_message messages;
  v_is_in boolean;
  v_outcome text;
BEGIN
  SELECT t.* INTO v_thread FROM threads t
  WHERE t.id = (SELECT m.thread_id FROM messages m WHERE m.id = p_message) FOR NO KEY UPDATE;
  SELECT m.* INTO v_message FROM messages m WHERE m.id = p_message;
  v_is_in := EXISTS (SELECT FROM participants p WHERE p.thread_id = v_thread.id AND p.user_id = p_editor);
  v_outcome := CASE
    WHEN v_message.id IS NULL OR NOT (v_is_in OR p_moderates) THEN 'NOT_FOUND'
    WHEN NOT v_is_in OR v_message.author_id <> p_editor OR v_message.message_type = 'SYSTEM' THEN 'FORBIDDEN'
    WHEN v_message.message_type <> 'TEXT' THEN 'NOT_TEXT'
    WHEN v_message.deleted_at IS NOT NULL THEN 'DELETED'
    WHEN v_message.body = p_body THEN 'OK'
    WHEN v_thread.status = 'BLOCKED' THEN 'THREAD_BLOCKED'
    WHEN v_thread.status = 'ARCHIVED' THEN 'THREAD_ARCHIVED'
  END;
  IF v_outcome IS NOT NULL THEN
    RETURN QUERY SELECT v_outcome, '{}'::jsonb;
    RETURN;
  END IF;
  v_now := greatest(current_instant(), v_message.sent_at, v_message.edited_at);
  PERFORM keep_message_version(v_message, p_editor, v_now);
  UPDATE messages SET body = p_body, edited_at = v_now WHERE id = p_message;
  RETURN QUERY SELECT 'OK', inbox_append_to_thread('MESSAGE_UPDATED', v_now, v_thread.id, p_message);
END $$;

-- Leaves the tombstone: sequence, author and times stay, the content goes. An unread message leaves the unread counts.
-- outcome: OK, NOT_FOUND, FORBIDDEN (another's message). p_is_service: sees every message, and its own are the SYSTEM
-- messages it sent. p_is_admin: any message of any thread. What is not a person's own message is written to the audit.
CREATE FUNCTION delete_message(p_message uuid, p_by text, p_is_service boolean, p_is_admin boolean)
RETURNS TABLE (outcome text, hints jsonb) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz;
  v_thread threads;
  v_message messages;
  v_outcome text;
  v_users text[];
  v_messages integer[];
  v_threads integer[];
BEGIN
  SELECT t.* INTO v_thread FROM threads t
  WHERE t.id = (SELECT m.thread_id FROM messages m WHERE m.id = p_message) FOR NO KEY UPDATE;
  SELECT m.* INTO v_message FROM messages m WHERE m.id = p_message;
  v_outcome := CASE
    WHEN v_message.id IS NULL OR NOT (p_is_service OR p_is_admin OR EXISTS (
      SELECT FROM participants p WHERE p.thread_id = v_thread.id AND p.user_id = p_by
    )) THEN 'NOT_FOUND'
    WHEN NOT p_is_admin AND (v_message.author_id <> p_by OR (v_message.message_type = 'SYSTEM') <> p_is_service)
      THEN 'FORBIDDEN'
    WHEN v_message.deleted_at IS NOT NULL THEN 'OK'
  END;
  IF v_outcome IS NOT NULL THEN
    RETURN QUERY SELECT v_outcome, '{}'::jsonb;
    RETURN;
  END IF;
  v_now := greatest(current_instant(), v_message.sent_at, v_message.edited_at);
  PERFORM keep_message_version(v_message, p_by, v_now);
  UPDATE messages
  SET body = '', latitude = NULL, longitude = NULL, location_label = NULL, system_code = NULL, system_params = NULL,
      deleted_at = v_now
  WHERE id = p_message;
  IF v_message.author_id <> p_by OR v_message.message_type = 'SYSTEM' THEN
    INSERT INTO audit_entries (actor_id, action, thread_id, message_id, user_id)
    VALUES (p_by, 'message.deleted', v_thread.id, p_message, v_message.author_id);
  END IF;
  WITH relieved AS (
    UPDATE participants p
    SET unread_count = p.unread_count - (p.user_id <> v_message.author_id AND p.last_read_sequence < v_message.sequence)::integer
    WHERE p.thread_id = v_thread.id
    RETURNING p.user_id, p.unread_count,
      (p.user_id <> v_message.author_id AND p.last_read_sequence < v_message.sequence)::integer AS was_unread
  )
  SELECT array_agg(user_id), array_agg(-was_unread), array_agg(-(was_unread = 1 AND unread_count = 0)::integer)
  INTO v_users, v_messages, v_threads FROM relieved;
  RETURN QUERY SELECT 'OK', inbox_append(
    v_users, v_messages, v_threads, 'MESSAGE_UPDATED', v_now, v_thread.id, p_message);
END $$;

-- Moves the reader's marker forward, up to p_up_to or to the end (null). One receipt and one entry per person, however
-- many messages that covers. outcome: OK, NOT_FOUND (no such thread for this person). marked: messages of others.
CREATE FUNCTION mark_read(p_thread uuid, p_reader text, p_up_to integer)
RETURNS TABLE (outcome text, marked integer, hints jsonb) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz;
  v_thread threads;
  v_reader participants;
  v_up_to integer;
  v_marked integer;
BEGIN
  SELECT t.* INTO v_thread FROM threads t WHERE t.id = p_thread FOR NO KEY UPDATE;
  SELECT p.* INTO v_reader FROM participants p WHERE p.thread_id = p_thread AND p.user_id = p_reader;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'NOT_FOUND', 0, '{}'::jsonb;
    RETURN;
  END IF;
  v_up_to := least(coalesce(p_up_to, v_thread.last_sequence), v_thread.last_sequence);
  IF v_up_to <= v_reader.last_read_sequence THEN
    RETURN QUERY SELECT 'OK', 0, '{}'::jsonb;
    RETURN;
  END IF;
  -- To the end, the counter knows. In between, the shorter side of the new marker is counted.
  IF v_up_to = v_thread.last_sequence THEN
    v_marked := v_reader.unread_count;
  ELSIF v_up_to - v_reader.last_read_sequence <= v_thread.last_sequence - v_up_to THEN
    SELECT count(*) INTO v_marked FROM messages m
    WHERE m.thread_id = p_thread AND m.sequence > v_reader.last_read_sequence AND m.sequence <= v_up_to
      AND m.author_id <> p_reader AND m.deleted_at IS NULL;
  ELSE
    SELECT v_reader.unread_count - count(*) INTO v_marked FROM messages m
    WHERE m.thread_id = p_thread AND m.sequence > v_up_to AND m.author_id <> p_reader AND m.deleted_at IS NULL;
  END IF;
  -- Never before what is read was sent, even when the machine's clock was set back.
  v_now := greatest(current_instant(), v_thread.last_message_at, v_reader.last_read_at);
  UPDATE participants
  SET last_read_sequence = v_up_to, last_read_at = v_now,
      last_delivered_sequence = greatest(last_delivered_sequence, v_up_to), unread_count = unread_count - v_marked
  WHERE thread_id = p_thread AND user_id = p_reader;
  INSERT INTO read_receipts (thread_id, user_id, up_to_sequence, read_at) VALUES (p_thread, p_reader, v_up_to, v_now);
  RETURN QUERY SELECT 'OK', v_marked, inbox_append(
    array_agg(p.user_id),
    array_agg(CASE WHEN p.user_id = p_reader THEN -v_marked ELSE 0 END),
    array_agg(CASE WHEN p.user_id = p_reader AND v_marked > 0 AND p.unread_count = 0 THEN -1 ELSE 0 END),
    'MESSAGE_READ', v_now, p_thread, NULL, p_reader, v_up_to)
  FROM participants p WHERE p.thread_id = p_thread;
END $$;

-- Moves the delivery markers of one person in several threads; only what moves forward is told. All threads are locked
-- first, then all journals, so that two such calls cannot wait for each other. A thread that the person is not in
-- makes the whole call NOT_FOUND.
CREATE FUNCTION mark_delivered(p_recipient text, p_threads uuid[], p_up_to integer[])
RETURNS TABLE (outcome text, hints jsonb) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz;
  v_hints jsonb := '{}';
  v_move record;
BEGIN
  PERFORM 1 FROM threads t WHERE t.id = ANY (p_threads) ORDER BY t.id FOR NO KEY UPDATE;
  IF EXISTS (
    SELECT FROM unnest(p_threads) AS asked (thread_id)
    WHERE NOT EXISTS (SELECT FROM participants p WHERE p.thread_id = asked.thread_id AND p.user_id = p_recipient)
  ) THEN
    RETURN QUERY SELECT 'NOT_FOUND', '{}'::jsonb;
    RETURN;
  END IF;
  PERFORM inbox_lock(array_agg(DISTINCT p.user_id)) FROM participants p WHERE p.thread_id = ANY (p_threads);
  v_now := current_instant();
  FOR v_move IN
    UPDATE participants p SET last_delivered_sequence = asked.up_to
    FROM (
      SELECT a.thread_id, least(max(a.up_to), max(t.last_sequence)) AS up_to
      FROM unnest(p_threads, p_up_to) AS a (thread_id, up_to) JOIN threads t ON t.id = a.thread_id
      GROUP BY a.thread_id
    ) AS asked
    WHERE p.thread_id = asked.thread_id AND p.user_id = p_recipient AND p.last_delivered_sequence < asked.up_to
    RETURNING p.thread_id, asked.up_to
  LOOP
    SELECT v_hints || inbox_append(array_agg(p.user_id), array_agg(0), array_agg(0), 'MESSAGE_DELIVERED', v_now,
                                   v_move.thread_id, NULL, p_recipient, v_move.up_to)
    INTO v_hints FROM participants p WHERE p.thread_id = v_move.thread_id;
  END LOOP;
  RETURN QUERY SELECT 'OK', v_hints;
END $$;

-- outcome: OK, NOT_FOUND, FORBIDDEN (only whoever blocked it, a service or an admin lifts a block). A change is a SYSTEM
-- message with a code, and an entry that the thread has changed. p_moderates: a service or an admin, who need not be in it.
CREATE FUNCTION set_thread_status(p_thread uuid, p_by text, p_moderates boolean, p_status thread_status, p_reason text)
RETURNS TABLE (outcome text, hints jsonb) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_thread threads;
  v_outcome text;
  v_code text;
  v_params jsonb;
  v_posted record;
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
  SELECT * INTO v_posted FROM post_message(
    v_thread, p_by, 'SYSTEM',
    CASE v_code WHEN 'thread.archived' THEN 'The conversation was archived.'
                WHEN 'thread.blocked' THEN 'The conversation was blocked.'
                WHEN 'thread.unblocked' THEN 'The conversation was unblocked.'
                ELSE 'The conversation was reopened.' END,
    NULL, NULL, NULL, v_code, v_params, NULL, NULL, NULL);
  UPDATE threads SET status = p_status, blocked_by_id = CASE WHEN p_status = 'BLOCKED' THEN p_by END WHERE id = p_thread;
  IF p_moderates THEN
    INSERT INTO audit_entries (actor_id, action, thread_id, details)
    VALUES (p_by, v_code, p_thread, jsonb_strip_nulls(jsonb_build_object('from', v_thread.status, 'reason', p_reason)));
  END IF;
  RETURN QUERY SELECT 'OK', inbox_append_to_thread('THREAD_UPDATED', v_posted.sent_at, p_thread);
END $$;

-- The viewer's own switch; only their own devices learn of it. outcome: OK, NOT_FOUND.
CREATE FUNCTION mute_thread(p_thread uuid, p_user text, p_until timestamptz)
RETURNS TABLE (outcome text, hints jsonb) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_known participants;
BEGIN
  PERFORM 1 FROM threads t WHERE t.id = p_thread FOR NO KEY UPDATE;
  SELECT p.* INTO v_known FROM participants p WHERE p.thread_id = p_thread AND p.user_id = p_user;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'NOT_FOUND', '{}'::jsonb;
  ELSIF v_known.muted_until IS NOT DISTINCT FROM p_until::timestamptz(3) THEN
    RETURN QUERY SELECT 'OK', '{}'::jsonb;
  ELSE
    UPDATE participants SET muted_until = p_until WHERE thread_id = p_thread AND user_id = p_user;
    RETURN QUERY SELECT 'OK', inbox_append(
      ARRAY[p_user], ARRAY[0], ARRAY[0], 'THREAD_UPDATED', current_instant(), p_thread);
  END IF;
END $$;

-- Somebody joins and sees the history, which is not unread to them. outcome: OK, NOT_FOUND. Who is there stays as they are.
CREATE FUNCTION add_participant(p_thread uuid, p_by text, p_user text, p_role participant_role)
RETURNS TABLE (outcome text, hints jsonb) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz;
  v_thread threads;
BEGIN
  PERFORM ensure_users(ARRAY[p_user]) WHERE EXISTS (SELECT FROM threads t WHERE t.id = p_thread);
  PERFORM hold_profiles(ARRAY[p_user]);
  SELECT t.* INTO v_thread FROM threads t WHERE t.id = p_thread FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'NOT_FOUND', '{}'::jsonb;
    RETURN;
  END IF;
  v_now := current_instant();
  INSERT INTO participants
    (thread_id, user_id, role, joined_at, joined_sequence, last_read_sequence, last_delivered_sequence, activity_at)
  VALUES
    (p_thread, p_user, p_role, v_now, v_thread.last_sequence, v_thread.last_sequence, v_thread.last_sequence,
     v_thread.activity_at)
  ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'OK', '{}'::jsonb;
    RETURN;
  END IF;
  UPDATE threads SET updated_at = v_now WHERE id = p_thread;
  INSERT INTO audit_entries (actor_id, action, thread_id, user_id, details)
  VALUES (p_by, 'participant.added', p_thread, p_user, jsonb_build_object('role', p_role));
  RETURN QUERY SELECT 'OK', inbox_append_to_thread('THREAD_UPDATED', v_now, p_thread);
END $$;

-- From the commit on nothing of the thread reaches that person: recipients are chosen under the same lock.
-- outcome: OK, NOT_FOUND, STAYS (the tourist and the guide). Removing who is not there changes nothing.
CREATE FUNCTION remove_participant(p_thread uuid, p_by text, p_user text)
RETURNS TABLE (outcome text, hints jsonb) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz;
  v_thread threads;
  v_gone participants;
  v_hints jsonb;
BEGIN
  SELECT t.* INTO v_thread FROM threads t WHERE t.id = p_thread FOR NO KEY UPDATE;
  v_now := current_instant();
  IF v_thread.id IS NULL THEN
    RETURN QUERY SELECT 'NOT_FOUND', '{}'::jsonb;
    RETURN;
  ELSIF p_user IN (v_thread.tourist_id, v_thread.guide_id) THEN
    RETURN QUERY SELECT 'STAYS', '{}'::jsonb;
    RETURN;
  END IF;
  DELETE FROM participants p WHERE p.thread_id = p_thread AND p.user_id = p_user RETURNING p.* INTO v_gone;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'OK', '{}'::jsonb;
    RETURN;
  END IF;
  UPDATE threads SET updated_at = v_now WHERE id = p_thread;
  INSERT INTO audit_entries (actor_id, action, thread_id, user_id) VALUES (p_by, 'participant.removed', p_thread, p_user);
  PERFORM inbox_lock(array_agg(user_id) || p_user) FROM participants WHERE thread_id = p_thread;
  v_hints := inbox_append(ARRAY[p_user], ARRAY[-v_gone.unread_count], ARRAY[-(v_gone.unread_count > 0)::integer],
                          'THREAD_REMOVED', v_now, p_thread);
  RETURN QUERY SELECT 'OK', v_hints || inbox_append_to_thread('THREAD_UPDATED', v_now, p_thread);
END $$;

-- Removes a thread and all in it; its people's journals say so. outcome: OK, NOT_FOUND.
CREATE FUNCTION delete_thread(p_thread uuid, p_by text)
RETURNS TABLE (outcome text, hints jsonb) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_thread threads;
  v_hints jsonb;
BEGIN
  SELECT t.* INTO v_thread FROM threads t WHERE t.id = p_thread FOR UPDATE;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'NOT_FOUND', '{}'::jsonb;
    RETURN;
  END IF;
  SELECT inbox_append(array_agg(p.user_id), array_agg(-p.unread_count), array_agg(-(p.unread_count > 0)::integer),
                      'THREAD_REMOVED', current_instant(), p_thread)
  INTO v_hints FROM participants p WHERE p.thread_id = p_thread;
  DELETE FROM threads WHERE id = p_thread;
  INSERT INTO audit_entries (actor_id, action, thread_id, details)
  VALUES (p_by, 'thread.deleted', p_thread, jsonb_strip_nulls(jsonb_build_object(
    'touristId', v_thread.tourist_id, 'guideId', v_thread.guide_id, 'tripId', v_thread.trip_id,
    'lastSequence', v_thread.last_sequence)));
  RETURN QUERY SELECT 'OK', v_hints;
END $$;

-- Tells everybody who shares a thread with these people that the thread looks different now: one entry per thread and
-- person, however many of the people are in it (docs/decisions/0007-profiles.md). The caller holds the people's rows FOR
-- UPDATE, so that none of them comes into another thread meanwhile.
CREATE FUNCTION tell_threads_of(p_users text[]) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz;
  v_threads uuid[];
  v_hints jsonb;
BEGIN
  SELECT array_agg(locked.id) INTO v_threads FROM (
    SELECT t.id FROM threads t WHERE t.id IN (SELECT p.thread_id FROM participants p WHERE p.user_id = ANY (p_users))
    ORDER BY t.id FOR NO KEY UPDATE
  ) AS locked;
  IF v_threads IS NULL THEN
    RETURN '{}';
  END IF;
  PERFORM inbox_lock(array_agg(DISTINCT p.user_id)) FROM participants p WHERE p.thread_id = ANY (v_threads);
  v_now := current_instant();
  WITH news AS (
    SELECT p.user_id, p.thread_id, row_number() OVER (PARTITION BY p.user_id ORDER BY p.thread_id) AS place
    FROM participants p WHERE p.thread_id = ANY (v_threads)
  ), grown AS (
    UPDATE inboxes i SET position = i.position + n.count
    FROM (SELECT user_id, count(*) FROM news GROUP BY user_id) AS n
    WHERE i.user_id = n.user_id
    RETURNING i.*, n.count
  ), written AS (
    INSERT INTO inbox_entries (user_id, position, at, kind, thread_id, unread_message_count, unread_thread_count)
    SELECT g.user_id, g.position - g.count + n.place, v_now, 'THREAD_UPDATED', n.thread_id, g.unread_message_count,
           g.unread_thread_count
    FROM grown g JOIN news n ON n.user_id = g.user_id
  )
  SELECT jsonb_object_agg(user_id, position) INTO v_hints FROM grown;
  RETURN v_hints;
END $$;

-- Creates or refreshes people; a null keeps what is known. Of two rows with one id the last one holds. Where a name or a
-- picture changes, the journals of those who see it say so. p_service: who asks, for the audit, where everybody who was
-- created or changed is entered with the names of what changed.
CREATE FUNCTION upsert_users(
  p_ids text[], p_names text[], p_avatars text[], p_emails text[], p_time_zones text[], p_locales text[], p_service text
) RETURNS jsonb LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_new text[];
  v_seen text[];
BEGIN
  SELECT array_agg(DISTINCT asked.id) INTO v_new FROM unnest(p_ids) AS asked (id)
  WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = asked.id);
  PERFORM ensure_users(p_ids);
  PERFORM 1 FROM users WHERE id = ANY (p_ids) ORDER BY id FOR UPDATE;
  WITH told AS (
    SELECT DISTINCT ON (id) * FROM unnest(p_ids, p_names, p_avatars, p_emails, p_time_zones, p_locales)
      WITH ORDINALITY AS d (id, display_name, avatar_url, email, time_zone, locale, place)
    ORDER BY id, place DESC
  ), news AS (
    SELECT u.id,
      (SELECT coalesce(jsonb_agg(n.name), '[]') FROM (VALUES
        ('displayName', d.display_name, u.display_name), ('avatarUrl', d.avatar_url, u.avatar_url),
        ('email', d.email, u.email), ('timeZone', d.time_zone, u.time_zone), ('locale', d.locale, u.locale)
      ) AS n (name, new, old) WHERE n.new IS NOT NULL AND n.new IS DISTINCT FROM n.old) AS fields
    FROM told d JOIN users u ON u.id = d.id
  ), changed AS (
    UPDATE users u
    SET display_name = coalesce(d.display_name, u.display_name), avatar_url = coalesce(d.avatar_url, u.avatar_url),
        email = coalesce(d.email, u.email), time_zone = coalesce(d.time_zone, u.time_zone),
        locale = coalesce(d.locale, u.locale), updated_at = now()
    FROM told d JOIN news n ON n.id = d.id
    WHERE u.id = d.id AND n.fields <> '[]'
  ), audited AS (
    INSERT INTO audit_entries (actor_id, action, user_id, details)
    SELECT p_service, CASE WHEN n.id = ANY (v_new) THEN 'user.created' ELSE 'user.changed' END, n.id,
           jsonb_build_object('fields', n.fields)
    FROM news n WHERE n.fields <> '[]' OR n.id = ANY (v_new) ORDER BY n.id
  )
  SELECT array_agg(n.id) INTO v_seen FROM news n WHERE n.fields ?| ARRAY['displayName', 'avatarUrl'];
  RETURN tell_threads_of(v_seen);
END $$;

-- A person seen by their token: created, or refreshed where a claim says something new. A change of what others know is
-- told; that somebody unknown has a name now is not, for whatever they do next tells it.
CREATE FUNCTION meet_person(p_id text, p_name text, p_picture text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_user users;
  v_is_other boolean;
BEGIN
  PERFORM ensure_users(ARRAY[p_id]);
  PERFORM 1 FROM users WHERE id = p_id
    AND (display_name, avatar_url) IS DISTINCT FROM (coalesce(p_name, display_name), coalesce(p_picture, avatar_url));
  IF NOT FOUND THEN
    RETURN '{}';
  END IF;
  SELECT * INTO v_user FROM users WHERE id = p_id FOR UPDATE;
  UPDATE users
  SET display_name = coalesce(p_name, display_name), avatar_url = coalesce(p_picture, avatar_url), updated_at = now()
  WHERE id = p_id;
  v_is_other := coalesce(v_user.display_name <> p_name OR v_user.avatar_url <> p_picture, false);
  RETURN CASE WHEN v_is_other THEN tell_threads_of(ARRAY[p_id]) ELSE '{}' END;
END $$;
