-- How many messages of a thread have an id up to this one, which is the sequence of the last of them: ids grow with the
-- sequence, and sequences have no gaps. So a page over several threads begins in each of them where its cursor stands,
-- without an index by id for every thread, which each message would have to be written to, and without reading up to there.
CREATE FUNCTION messages_up_to(p_thread uuid, p_message uuid) RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_low integer := 0;
  v_high integer;
  v_middle integer := 1;
  v_last uuid;
  v_id uuid;
BEGIN
  SELECT t.last_sequence, t.last_message_id INTO v_high, v_last FROM threads t WHERE t.id = p_thread;
  -- Most threads lie on one side of the cursor as a whole.
  IF v_high = 0 OR v_last <= p_message THEN
    RETURN v_high;
  END IF;
  -- The messages up to v_low are up to the cursor, those behind v_high are behind it; the first one is looked at first.
  WHILE v_low < v_high LOOP
    SELECT m.id INTO v_id FROM messages m WHERE m.thread_id = p_thread AND m.sequence = v_middle;
    IF v_id <= p_message THEN
      v_low := v_middle;
    ELSE
      v_high := v_middle - 1;
    END IF;
    v_middle := (v_low + v_high + 1) / 2;
  END LOOP;
  RETURN v_low;
END $$;
