-- Receipts are over when the sender opens the thread, also one that they have read to its end already: then no marker moves,
-- and nothing said so to the notifier.

-- Whether looking at the thread now would read receipts: there is an unread notification of some, or the entries that the
-- notifier has not taken in yet will make one. Not where one of these entries is a look of the person's own that reads it.
-- Being STABLE, all of it sees one moment, so that no receipt falls between the notifier's position and its notification.
CREATE FUNCTION has_receipts_to_see(p_user text, p_thread uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_ahead notifier_stretch;
BEGIN
  SELECT i.user_id, coalesce(n.position, 0), i.position, now(), wanted_notification_types(p_user, 'IN_APP') INTO v_ahead
  FROM inboxes i LEFT JOIN notifier_positions n ON n.user_id = i.user_id WHERE i.user_id = p_user;
  IF EXISTS (SELECT FROM notifications o
             WHERE o.user_id = p_user AND o.thread_id = p_thread AND o.type = 'MESSAGE_READ' AND o.read_at IS NULL)
    AND NOT EXISTS (SELECT FROM inbox_entries e
                    WHERE e.user_id = p_user AND e.position > v_ahead.from_position AND e.kind = 'MESSAGE_READ'
                      AND e.actor_id = p_user AND e.thread_id = p_thread) THEN
    RETURN true;
  ELSIF 'MESSAGE_READ' <> ALL (v_ahead.wanted) THEN
    RETURN false;
  END IF;
  RETURN EXISTS (SELECT FROM receipt_candidates(ARRAY[v_ahead]) AS c WHERE c.thread_id = p_thread AND c.objection IS NULL);
END $$;

-- Moves the reader's marker forward, up to p_up_to or to the end (null). One receipt and one entry per person, however
-- many messages that covers; where it does not move, at most an entry for the reader. outcome: OK, NOT_FOUND (no such thread
-- for this person). marked: messages of others.
CREATE OR REPLACE FUNCTION mark_read(p_thread uuid, p_reader text, p_up_to integer)
RETURNS TABLE (outcome text, marked integer, hints jsonb) LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
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
    -- The marker stays, but whoever looks has seen the receipts; so their notifier and their other devices are told.
    RETURN QUERY SELECT 'OK', 0, CASE WHEN has_receipts_to_see(p_reader, p_thread) THEN inbox_append(
      ARRAY[p_reader], ARRAY[0], ARRAY[0], 'MESSAGE_READ', greatest(current_instant(), v_reader.last_read_at), p_thread, NULL,
      p_reader, v_reader.last_read_sequence) ELSE '{}'::jsonb END;
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
