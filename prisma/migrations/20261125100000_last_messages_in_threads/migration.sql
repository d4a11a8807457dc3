-- What was said last stands in the thread's row as well: a list of threads shows it, and looking each message up took as long
-- as finding the threads. The thread's row is written with every message anyway, under the lock that numbers it; edits and
-- deletions of the last message, which take the same lock, keep it true. What a list rarely shows (places, replies, times of
-- edits) is still read from the message.

ALTER TABLE threads
  ADD COLUMN last_message_author_id text COLLATE "C",
  ADD COLUMN last_message_type message_type,
  ADD COLUMN last_message_body text;

UPDATE threads t
SET last_message_author_id = m.author_id, last_message_type = m.message_type, last_message_body = m.body
FROM messages m WHERE m.id = t.last_message_id;

-- As before, and with the last message in the thread.
CREATE OR REPLACE FUNCTION post_messages(p_posts messages[], p_places integer[]) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
  v_post messages;
  v_index integer := 0;
  v_authors text[];
  -- The threads: where in p_posts the messages of each begin and end.
  v_thread uuid;
  v_threads integer := 0;
  v_firsts integer[];
  v_lasts integer[];
  -- The participants: what each is told, and the message that makes the thread unread to them, if one does.
  v_user text;
  v_unread integer;
  v_others integer;
  v_first integer;
  v_last integer;
  v_told integer := 0;
  v_told_users text[];
  v_told_firsts integer[];
  v_told_lasts integer[];
  v_told_turns integer[];
  -- The journals: the news of one person, and where everybody's stand afterwards.
  v_news integer[];
  v_turns integer[];
  v_position bigint;
  v_message_total integer;
  v_thread_total integer;
  v_inboxes integer := 0;
  v_users text[];
  v_positions bigint[];
  v_message_totals integer[];
  v_thread_totals integer[];
  -- Their new entries.
  v_entries integer := 0;
  v_entry_users text[];
  v_entry_positions bigint[];
  v_entry_posts integer[];
  v_entry_places integer[];
  v_entry_messages integer[];
  v_entry_threads integer[];
BEGIN
  INSERT INTO messages SELECT * FROM unnest(p_posts);
  FOREACH v_post IN ARRAY p_posts LOOP
    v_index := v_index + 1;
    IF v_post.thread_id IS DISTINCT FROM v_thread THEN
      v_thread := v_post.thread_id;
      v_threads := v_threads + 1;
      v_firsts[v_threads] := v_index;
    END IF;
    v_lasts[v_threads] := v_index;
    v_authors[v_index] := v_post.author_id;
  END LOOP;
  UPDATE threads t
  SET last_sequence = p.sequence, last_message_id = p.id, last_message_at = p.sent_at, last_message_author_id = p.author_id,
      last_message_type = p.message_type, last_message_body = p.body, activity_at = p.sent_at, updated_at = p.sent_at
  FROM unnest(v_lasts) AS l CROSS JOIN LATERAL (SELECT (p_posts[l]).*) AS p
  WHERE t.id = p.thread_id;
  FOR v_user, v_unread, v_others, v_first, v_last IN
    UPDATE participants m
    SET activity_at = (p_posts[l.last]).sent_at,
        unread_count = m.unread_count + cardinality(array_remove(v_authors[l.first:l.last], m.user_id))
    FROM unnest(v_firsts, v_lasts) AS l (first, last)
    WHERE m.thread_id = (p_posts[l.last]).thread_id
    RETURNING m.user_id, m.unread_count, cardinality(array_remove(v_authors[l.first:l.last], m.user_id)), l.first, l.last
  LOOP
    v_told := v_told + 1;
    v_told_users[v_told] := v_user;
    v_told_firsts[v_told] := v_first;
    v_told_lasts[v_told] := v_last;
    IF v_unread = v_others AND v_others > 0 THEN
      v_index := v_first;
      WHILE v_authors[v_index] = v_user LOOP
        v_index := v_index + 1;
      END LOOP;
      v_told_turns[v_told] := v_index;
    END IF;
  END LOOP;
  -- A lock gives the row as it is then, whatever the statement has seen before it waited.
  FOR v_user, v_position, v_message_total, v_thread_total IN
    SELECT i.user_id, i.position, i.unread_message_count, i.unread_thread_count
    FROM inboxes i WHERE i.user_id = ANY (v_told_users) ORDER BY i.user_id FOR NO KEY UPDATE
  LOOP
    v_news := NULL;
    v_turns := NULL;
    FOREACH v_told IN ARRAY array_positions(v_told_users, v_user) LOOP
      FOR v_post_of_thread IN v_told_firsts[v_told] .. v_told_lasts[v_told] LOOP
        v_news := v_news || v_post_of_thread;
      END LOOP;
      v_turns := v_turns || v_told_turns[v_told];
    END LOOP;
    IF cardinality(v_turns) > 1 THEN
      v_news := ARRAY (SELECT n FROM unnest(v_news) AS n ORDER BY p_places[n]);
    END IF;
    FOREACH v_index IN ARRAY v_news LOOP
      v_position := v_position + 1;
      IF v_authors[v_index] <> v_user THEN
        v_message_total := v_message_total + 1;
        IF v_index = ANY (v_turns) THEN
          v_thread_total := v_thread_total + 1;
        END IF;
      END IF;
      v_entries := v_entries + 1;
      v_entry_users[v_entries] := v_user;
      v_entry_positions[v_entries] := v_position;
      v_entry_posts[v_entries] := v_index;
      v_entry_places[v_entries] := p_places[v_index];
      v_entry_messages[v_entries] := v_message_total;
      v_entry_threads[v_entries] := v_thread_total;
    END LOOP;
    v_inboxes := v_inboxes + 1;
    v_users[v_inboxes] := v_user;
    v_positions[v_inboxes] := v_position;
    v_message_totals[v_inboxes] := v_message_total;
    v_thread_totals[v_inboxes] := v_thread_total;
  END LOOP;
  WITH grown AS (
    UPDATE inboxes i
    SET position = g.position, unread_message_count = g.messages, unread_thread_count = g.threads
    FROM unnest(v_users, v_positions, v_message_totals, v_thread_totals) AS g (user_id, position, messages, threads)
    WHERE i.user_id = g.user_id
  )
  INSERT INTO inbox_entries
    (user_id, position, at, kind, thread_id, message_id, unread_message_count, unread_thread_count)
  SELECT e.user_id, e.position, p.sent_at, 'MESSAGE_ADDED', p.thread_id, p.id, e.messages, e.threads
  FROM unnest(v_entry_users, v_entry_positions, v_entry_posts, v_entry_messages, v_entry_threads)
         AS e (user_id, position, post, messages, threads)
       CROSS JOIN LATERAL (SELECT (p_posts[e.post]).*) AS p;
  RETURN json_build_array(v_entry_users, v_entry_positions, v_entry_places, v_entry_messages, v_entry_threads);
END $$;

-- As before, and in the thread where it is the last message.
CREATE OR REPLACE FUNCTION edit_message(p_message uuid, p_editor text, p_moderates boolean, p_body text)
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
  UPDATE threads SET last_message_body = p_body WHERE id = v_thread.id AND last_message_id = p_message;
  RETURN QUERY SELECT 'OK', inbox_append_to_thread('MESSAGE_UPDATED', v_now, v_thread.id, p_message);
END $$;

-- As before, and in the thread where it is the last message.
CREATE OR REPLACE FUNCTION delete_message(p_message uuid, p_by text, p_is_service boolean, p_is_admin boolean)
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
  UPDATE threads SET last_message_body = '' WHERE id = v_thread.id AND last_message_id = p_message;
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
