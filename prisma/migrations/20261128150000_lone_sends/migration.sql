-- A send that is alone, as nearly all are on a node that is not busy, has a function of its own: without arrays to take apart and
-- put together, and with one statement for all that is written, it costs PostgreSQL a third less (docs/performance.md). What a
-- send may be refused for is said once, for both.

-- What becomes of a send, but for what it answers. The planner puts the body in place of the call.
-- p_status: of the thread, null where there is none. p_is_in: whether the author is one of its participants. p_is_used: whether
-- the author has used the clientMessageId before, and p_is_same: for the same message.
CREATE FUNCTION send_outcome(
  p_status thread_status, p_is_in boolean, p_type message_type, p_is_used boolean, p_is_same boolean
) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN p_status IS NULL OR NOT (p_is_in OR p_type = 'SYSTEM') THEN 'NOT_FOUND'
    WHEN p_is_same THEN 'DEDUPLICATED'
    WHEN p_is_used THEN 'CONFLICT'
    WHEN p_status = 'BLOCKED' THEN 'THREAD_BLOCKED'
    WHEN p_status = 'ARCHIVED' AND p_type <> 'SYSTEM' THEN 'THREAD_ARCHIVED'
    ELSE 'OK'
  END
$$;

-- As send_messages with a batch of one: the same outcomes, the same answer, the same rows.
CREATE FUNCTION send_message(
  p_thread uuid, p_author text, p_type message_type, p_body text, p_reply uuid, p_client_id text, p_digest bytea, p_details jsonb
) RETURNS json LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
  v_status thread_status;
  v_outcome text;
  v_id uuid;
  v_sequence integer;
  v_at timestamptz;
  v_name text;
  v_avatar text;
  v_entries json;
BEGIN
  SELECT t.status, t.last_sequence, t.activity_at INTO v_status, v_sequence, v_at
  FROM threads t WHERE t.id = p_thread FOR NO KEY UPDATE;
  -- A statement of its own, to see what was committed while the lock was waited for.
  SELECT send_outcome(v_status, v.user_id IS NOT NULL, p_type, k.id IS NOT NULL,
                      k.thread_id = p_thread AND k.content_digest = p_digest),
    k.id, coalesce(k.sequence, v_sequence),
    -- Never before the message above it, even when the machine's clock was set back.
    coalesce(k.sent_at, greatest(current_instant(), v_at)), u.display_name, u.avatar_url
  INTO v_outcome, v_id, v_sequence, v_at, v_name, v_avatar
  FROM (SELECT) AS always
  LEFT JOIN participants v ON v.thread_id = p_thread AND v.user_id = p_author
  LEFT JOIN messages k ON k.author_id = p_author AND k.client_message_id = p_client_id
  LEFT JOIN users u ON u.id = p_author;
  IF v_outcome = 'OK' AND p_reply IS NOT NULL THEN
    IF NOT EXISTS (SELECT FROM messages m WHERE m.id = p_reply AND m.thread_id = p_thread) THEN
      v_outcome := 'REPLY_NOT_FOUND';
    END IF;
  END IF;
  IF v_outcome = 'OK' THEN
    v_sequence := v_sequence + 1;
    v_id := uuid_v7(v_at, v_sequence);
    WITH message AS (
      INSERT INTO messages VALUES (
        v_id, p_thread, v_sequence, p_author, p_type, p_body,
        (p_details ->> 'latitude')::double precision, (p_details ->> 'longitude')::double precision,
        p_details ->> 'label', p_details ->> 'code', p_details -> 'params', p_reply,
        p_client_id, p_digest, v_at, NULL, NULL
      )
      RETURNING id
    ), thread AS (
      UPDATE threads
      SET last_sequence = v_sequence, last_message_id = v_id, last_message_at = v_at, last_message_author_id = p_author,
          last_message_type = p_type, last_message_body = p_body, activity_at = v_at, updated_at = v_at
      WHERE id = p_thread
    ), told AS (
      UPDATE participants m
      SET activity_at = v_at, unread_count = m.unread_count + (m.user_id <> p_author)::integer
      -- After the message: its clientMessageId may have to be waited for, which nobody may do who holds journals.
      FROM message
      WHERE m.thread_id = p_thread
      RETURNING m.user_id, (m.user_id <> p_author)::integer AS messages,
                (m.user_id <> p_author AND m.unread_count = 1)::integer AS threads
    ), grown AS (
      -- Changed, and so locked, in the order in which everybody locks journals: the join is a loop over the sorted people.
      UPDATE inboxes i
      SET position = i.position + 1, unread_message_count = i.unread_message_count + o.messages,
          unread_thread_count = i.unread_thread_count + o.threads
      FROM (SELECT * FROM told ORDER BY user_id) AS o
      WHERE i.user_id = o.user_id
      RETURNING i.user_id, i.position, i.unread_message_count, i.unread_thread_count
    ), entries AS (
      INSERT INTO inbox_entries
        (user_id, position, at, kind, thread_id, message_id, unread_message_count, unread_thread_count)
      SELECT user_id, position, v_at, 'MESSAGE_ADDED', p_thread, v_id, unread_message_count, unread_thread_count FROM grown
    )
    SELECT json_build_array(array_agg(user_id), array_agg(position), array_agg(1), array_agg(unread_message_count),
                            array_agg(unread_thread_count))
    INTO v_entries FROM grown;
    IF p_type = 'SYSTEM' THEN
      INSERT INTO audit_entries (actor_id, action, thread_id, message_id, details)
      VALUES (p_author, 'message.sent', p_thread, v_id, jsonb_strip_nulls(jsonb_build_object('code', p_details ->> 'code')));
    END IF;
  END IF;
  RETURN json_build_array(ARRAY[v_outcome], ARRAY[v_id], ARRAY[v_sequence], ARRAY[v_at], ARRAY[v_name], ARRAY[v_avatar],
                          v_entries);
END $$;

-- As before, with the outcomes of send_outcome.
CREATE OR REPLACE FUNCTION send_messages(
  p_threads uuid[], p_authors text[], p_types message_type[], p_bodies text[], p_replies uuid[], p_client_ids text[],
  p_digests bytea[], p_details jsonb[]
) RETURNS json LANGUAGE plpgsql
-- Plans are made once a session, not per batch; and whatever the statistics of that moment are (none, right after the
-- first start), each join is a few probes of an index.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
  v_now timestamptz;
  v_place integer;
  v_outcome text;
  v_thread uuid;
  v_id uuid;
  v_sequence integer;
  v_at timestamptz;
  v_name text;
  v_avatar text;
  v_numbered_thread uuid;
  v_last_sequence integer;
  v_outcomes text[];
  v_ids uuid[];
  v_sequences integer[];
  v_instants timestamptz[];
  v_names text[];
  v_avatars text[];
  v_count integer := 0;
  v_posts messages[];
  v_places integer[];
  v_entries json;
BEGIN
  PERFORM 1 FROM threads t WHERE t.id = ANY (p_threads) ORDER BY t.id FOR NO KEY UPDATE;
  v_now := current_instant();
  FOR v_place, v_outcome, v_thread, v_id, v_sequence, v_at, v_name, v_avatar IN
    SELECT s.place,
      send_outcome(t.status, v.user_id IS NOT NULL, p_types[s.place], k.id IS NOT NULL,
                   k.thread_id = t.id AND k.content_digest = p_digests[s.place]),
      t.id, k.id, coalesce(k.sequence, t.last_sequence),
      -- Never before the message above it, even when the machine's clock was set back.
      coalesce(k.sent_at, greatest(v_now, t.activity_at)), u.display_name, u.avatar_url
    FROM unnest(p_threads) WITH ORDINALITY AS s (thread_id, place)
    LEFT JOIN threads t ON t.id = s.thread_id
    LEFT JOIN participants v ON v.thread_id = s.thread_id AND v.user_id = p_authors[s.place]
    LEFT JOIN messages k ON k.author_id = p_authors[s.place] AND k.client_message_id = p_client_ids[s.place]
    LEFT JOIN users u ON u.id = p_authors[s.place]
    ORDER BY t.id, s.place
  LOOP
    -- A statement of its own, for few sends are replies.
    IF v_outcome = 'OK' AND p_replies[v_place] IS NOT NULL THEN
      IF NOT EXISTS (SELECT FROM messages m WHERE m.id = p_replies[v_place] AND m.thread_id = v_thread) THEN
        v_outcome := 'REPLY_NOT_FOUND';
      END IF;
    END IF;
    IF v_outcome = 'OK' THEN
      IF v_thread IS DISTINCT FROM v_numbered_thread THEN
        v_numbered_thread := v_thread;
        v_last_sequence := v_sequence;
      END IF;
      v_last_sequence := v_last_sequence + 1;
      v_sequence := v_last_sequence;
      v_id := uuid_v7(v_at, v_sequence);
      v_count := v_count + 1;
      v_places[v_count] := v_place;
      v_posts[v_count] := ROW(
        v_id, v_thread, v_sequence, p_authors[v_place], p_types[v_place], p_bodies[v_place],
        (p_details[v_place] ->> 'latitude')::double precision, (p_details[v_place] ->> 'longitude')::double precision,
        p_details[v_place] ->> 'label', p_details[v_place] ->> 'code', p_details[v_place] -> 'params', p_replies[v_place],
        p_client_ids[v_place], p_digests[v_place], v_at, NULL, NULL
      )::messages;
    END IF;
    v_outcomes[v_place] := v_outcome;
    v_ids[v_place] := v_id;
    v_sequences[v_place] := v_sequence;
    v_instants[v_place] := v_at;
    v_names[v_place] := v_name;
    v_avatars[v_place] := v_avatar;
  END LOOP;
  IF v_count > 0 THEN
    v_entries := post_messages(v_posts, v_places);
    IF 'SYSTEM' = ANY (p_types) THEN
      INSERT INTO audit_entries (actor_id, action, thread_id, message_id, details)
      SELECT p.author_id, 'message.sent', p.thread_id, p.id, jsonb_strip_nulls(jsonb_build_object('code', p.system_code))
      FROM unnest(v_posts) WITH ORDINALITY AS p WHERE p.message_type = 'SYSTEM' ORDER BY v_places[p.ordinality];
    END IF;
  END IF;
  RETURN json_build_array(v_outcomes, v_ids, v_sequences, v_instants, v_names, v_avatars, v_entries);
END $$;
