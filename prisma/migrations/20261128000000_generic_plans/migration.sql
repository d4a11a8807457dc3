-- Plans are made once a session, as send_messages has them: for arrays of fewer elements than the ten that are assumed of an
-- unknown one, PostgreSQL makes a new plan at each call, which takes it longer than these functions' own work
-- (docs/performance.md). Whatever the statistics of the first call's moment are, each join is a few probes of an index.
ALTER FUNCTION open_thread(text, text, text, text)
  SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off;
ALTER FUNCTION mute_thread(uuid, text, timestamptz)
  SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off;
ALTER FUNCTION add_participant(uuid, text, text, participant_role)
  SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off;
ALTER FUNCTION remove_participant(uuid, text, text)
  SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off;
ALTER FUNCTION edit_message(uuid, text, boolean, text)
  SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off;
ALTER FUNCTION delete_message(uuid, text, boolean, boolean)
  SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off;
ALTER FUNCTION mark_read(uuid, text, integer)
  SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off;
ALTER FUNCTION mark_delivered(text, uuid[], integer[])
  SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off;
