-- For pgbench -D last=199: a batch of one message, by one of the two people of one of the threads 0 to :last.
\set thread random(0, :last)
\set who random(0, 1)
SELECT send_messages(
  ARRAY['00000002-0000-4000-8000-' || lpad(to_hex(:thread::int), 12, '0')]::uuid[],
  ARRAY['00000001-0000-4000-8000-' || lpad(to_hex(2 * :thread::int + :who::int), 12, '0')],
  ARRAY['TEXT']::message_type[], ARRAY['Hello! I have a question about the tour schedule.'], ARRAY[NULL]::uuid[],
  ARRAY[gen_random_uuid()::text], ARRAY['\x00112233445566778899aabbccddeeff'::bytea], NULL);
