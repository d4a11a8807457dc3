-- For pgbench -D last=199: a batch of one message, by one of the two people of one of the threads 0 to :last.
\set thread random(0, :last)
\set who random(0, 1)
SELECT outcome, sequence FROM send_messages(json_build_array(json_build_object(
  'thread', '00000002-0000-4000-8000-' || lpad(to_hex(:thread::int), 12, '0'),
  'author', '00000001-0000-4000-8000-' || lpad(to_hex(2 * :thread::int + :who::int), 12, '0'),
  'type', 'TEXT', 'body', 'Hello! I have a question about the tour schedule.',
  'client_id', gen_random_uuid(), 'digest', '00112233445566778899aabbccddeeff')));
