-- For pgbench -D last=199: a message by one of the two people of one of the threads 0 to :last.
\set thread random(0, :last)
\set who random(0, 1)
SELECT send_message(
  ('00000002-0000-4000-8000-' || lpad(to_hex(:thread::int), 12, '0'))::uuid,
  '00000001-0000-4000-8000-' || lpad(to_hex(2 * :thread::int + :who::int), 12, '0'),
  'TEXT', 'Hello! I have a question about the tour schedule.', NULL,
  gen_random_uuid()::text, '\x00112233445566778899aabbccddeeff', NULL);
