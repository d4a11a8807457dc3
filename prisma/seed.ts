// Fills a database for looking at plans and at the size of things, not for tests:
//   DATABASE_URL=postgresql://… npm run seed -- [messages] [threads]
// 1,000,000 messages and 10,000 threads unless told. What it writes is what the writing functions would have written (the
// doctor finds no difference), in bulk. Then it prints the plan of every list. Exit code 0: each reads no more than its page,
// 1: one does, 2: it could not be found out.
import { Client, escapeLiteral } from 'pg';
import { applyMigrations } from '../src/database/migrations.js';
import { StartError } from '../src/errors.js';
import { findDifferences } from '../src/health/doctor.js';

const args = process.argv.slice(2);
const [messages = 1_000_000, threads = 10_000] = args.map(Number);
const url = process.env.DATABASE_URL ?? '';
if (url === '' || args.length > 2 || !args.every((arg) => /^[1-9]\d{0,8}$/.test(arg))) {
  console.error(
    'DATABASE_URL=<of an empty database> npm run seed -- [messages (1000000)] [threads (10000)]',
  );
  process.exit(2);
}

const client = new Client({ connectionString: url });

/** Thread 1 holds a tenth of all; its people are in a thousand threads each. */
async function fill(): Promise<void> {
  const { rows } = await client.query<{ count: string }>('SELECT count(*) FROM threads');
  if (rows[0]?.count !== '0')
    throw new StartError('There are threads already: this is for an empty database.');
  await client.query('BEGIN');
  await client.query(
    `INSERT INTO users (id, display_name)
     SELECT kind || n, initcap(kind) || ' ' || n
     FROM generate_series(1, $1::integer) AS n, (VALUES ('tourist'), ('guide')) AS k (kind)`,
    [threads],
  );
  await client.query('INSERT INTO inboxes (user_id) SELECT id FROM users');
  await client.query(
    `CREATE TEMP TABLE seeded ON COMMIT DROP AS
     SELECT n, uuid_v7(timestamptz '2026-01-01' + n * interval '1 ms', n) AS id,
       'tourist' || CASE WHEN n % 10 = 1 THEN 1 ELSE n END AS tourist,
       'guide' || CASE WHEN n % 10 = 1 THEN 1 ELSE n END AS guide,
       CASE WHEN n = 1 THEN $2::integer / 10 ELSE greatest(1, ($2::integer * 9 / 10) / greatest($1::integer - 1, 1)) END AS size
     FROM generate_series(1, $1::integer) AS n`,
    [threads, messages],
  );
  await client.query(
    `INSERT INTO threads (id, trip_id, tourist_id, guide_id, activity_at, created_at, updated_at)
     SELECT id, 'trip' || n, tourist, guide, timestamptz '2026-01-01', timestamptz '2026-01-01', timestamptz '2026-01-01'
     FROM seeded`,
  );
  // One picture in 50,000, one system message in 1,000; the tourist writes two of three.
  await client.query(
    `INSERT INTO messages (id, thread_id, sequence, author_id, message_type, body, client_message_id, content_digest, sent_at)
     SELECT uuid_v7(at, sequence), s.id, sequence,
       CASE WHEN sequence % 1000 = 7 THEN 'platform' WHEN sequence % 3 = 0 THEN s.guide ELSE s.tourist END,
       (CASE WHEN sequence % 1000 = 7 THEN 'SYSTEM' WHEN sequence % 50000 = 11 THEN 'IMAGE' ELSE 'TEXT' END)::message_type,
       'Message ' || sequence || ' of thread ' || n, n || '-' || sequence, '', at
     FROM seeded s, generate_series(1, s.size) AS sequence,
       LATERAL (SELECT date_trunc('milliseconds', timestamptz '2026-02-01' + sequence * interval '20 s' + n * interval '7 ms') AS at) AS t`,
  );
  await client.query(
    `UPDATE threads t SET last_sequence = m.sequence, last_message_id = m.id, last_message_at = m.sent_at,
       last_message_author_id = m.author_id, last_message_type = m.message_type, last_message_body = m.body,
       activity_at = m.sent_at, updated_at = m.sent_at
     FROM seeded s JOIN messages m ON m.thread_id = s.id AND m.sequence = s.size WHERE t.id = s.id`,
  );
  // Everybody has read all but the last three.
  await client.query(
    `INSERT INTO participants (thread_id, user_id, role, joined_at, last_read_sequence, last_read_at, last_delivered_sequence, activity_at)
     SELECT t.id, p.user_id, p.role::participant_role, t.created_at, greatest(t.last_sequence - 3, 0),
       CASE WHEN t.last_sequence > 3 THEN t.activity_at END, t.last_sequence, t.activity_at
     FROM threads t, LATERAL (VALUES (t.tourist_id, 'TOURIST'), (t.guide_id, 'GUIDE')) AS p (user_id, role)`,
  );
  await client.query(
    `INSERT INTO read_receipts (thread_id, user_id, up_to_sequence, read_at)
     SELECT thread_id, user_id, last_read_sequence, last_read_at FROM participants WHERE last_read_at IS NOT NULL`,
  );
  await client.query(
    `UPDATE participants p SET unread_count = u.count
     FROM (SELECT p.thread_id, p.user_id, count(*) FROM participants p
           JOIN messages m ON m.thread_id = p.thread_id AND m.sequence > p.last_read_sequence AND m.author_id <> p.user_id
           GROUP BY 1, 2) AS u
     WHERE u.thread_id = p.thread_id AND u.user_id = p.user_id`,
  );
  await client.query(
    `UPDATE inboxes i SET unread_message_count = p.messages, unread_thread_count = p.threads
     FROM (SELECT user_id, sum(unread_count) AS messages, count(*) FILTER (WHERE unread_count > 0) AS threads
           FROM participants GROUP BY user_id) AS p WHERE p.user_id = i.user_id`,
  );
  await client.query('COMMIT');
  await client.query('VACUUM ANALYZE');
}

/** What an answer may touch, whatever the history: a page, with a few blocks for each of its rows … */
const BLOCKS_OF_A_PAGE = 1_000;
/** … and where all threads of a person are looked at, a few for each of those. */
const BLOCKS_OF_A_THREAD = 32;

interface Plan {
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly Plans?: readonly Plan[];
}

/** Statements as the repositories send them, which are asked for them. */
async function explain(): Promise<boolean> {
  const { FreshReads } = await import('../src/inbox/fresh-reads.js');
  const { MessagesRepository } = await import('../src/messages/messages.repository.js');
  const { ThreadsRepository } = await import('../src/threads/threads.repository.js');
  const sent: { name: string; text: string; values: readonly unknown[] }[] = [];
  const record = (name: string, text: string, values: readonly unknown[]): Promise<unknown> => {
    sent.push({ name, text, values });
    // An empty page.
    return Promise.resolve({ page: { people: [] } });
  };
  const recorder = { row: record, readRow: record } as never;
  const reads = new FreshReads(recorder, { isUsable: false } as never);
  const [messageLists, threadLists] = [
    new MessagesRepository(recorder, reads),
    new ThreadsRepository(recorder, reads),
  ];
  const { rows } = await client.query<{
    id: string;
    tourist_id: string;
    last_sequence: number;
    last_message_id: string;
  }>(
    'SELECT id, tourist_id, last_sequence, last_message_id FROM threads ORDER BY last_sequence DESC LIMIT 1',
  );
  const [thread] = rows;
  if (thread === undefined) throw new Error('There is no thread.');
  const person = {
    isService: false,
    isAdmin: false,
    displayName: null,
    avatarUrl: null,
    issuedAt: null,
    expiresAt: Infinity,
  };
  const tourist = { ...person, userId: thread.tourist_id };
  const admin = { ...person, userId: 'root', isAdmin: true };
  const window = { limit: 50, after: null, before: null };
  const middle = Math.floor(thread.last_sequence / 2);

  for (const viewer of [tourist, admin]) {
    for (const selection of [
      {},
      { status: 'ACTIVE' },
      { touristId: thread.tourist_id },
      { tripId: 'trip1' },
    ] as const)
      await threadLists.findPage(viewer, selection, null, 51);
    for (const backwards of [false, true]) {
      for (const selection of [
        {},
        { senderUserId: 'guide1' },
        { senderUserId: 'nobody' },
        { messageType: 'IMAGE' },
        { messageType: 'TEXT' },
        { unread: true },
      ] as const)
        await messageLists.findPageOfThread(viewer, thread.id, selection, { ...window, backwards });
      await messageLists.findPageOfThread(
        viewer,
        thread.id,
        {},
        { ...window, backwards, after: middle },
      );
      await messageLists.findPageOfThread(
        viewer,
        thread.id,
        {},
        { ...window, backwards, before: middle },
      );
      for (const selection of [{}, { unread: true }] as const)
        await messageLists.findPageOfViewer(viewer, selection, { ...window, backwards });
    }
  }
  await threadLists.findPage(tourist, { unread: true }, null, 51);
  for (const backwards of [false, true])
    for (const selection of [{ senderUserId: 'guide1' }, { messageType: 'IMAGE' }] as const)
      await messageLists.findPageOfViewer(tourist, selection, { ...window, backwards });

  const { rows: counts } = await client.query<{ count: number }>(
    'SELECT count(*)::integer AS count FROM participants WHERE user_id = $1',
    [thread.tourist_id],
  );
  const ofAllThreads = BLOCKS_OF_A_PAGE + BLOCKS_OF_A_THREAD * (counts[0]?.count ?? 0);
  let isBounded = true;
  // A named statement gets a plan for its values at first, and later may get one for any values.
  for (const mode of ['force_custom_plan', 'force_generic_plan'])
    for (const statement of sent) {
      const { plan, ms } = await planOf(statement, mode);
      const blocks = plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
      const isOverThreads = /^messages_own|^list_own_(tourist|trip)/.test(statement.name);
      const limit = isOverThreads ? ofAllThreads : BLOCKS_OF_A_PAGE;
      const isFine = blocks <= limit && !scansMessages(plan);
      isBounded &&= isFine;
      console.log(
        [
          isFine ? 'bounded ' : 'TOO MUCH',
          `${String(blocks).padStart(7)} blocks`,
          `${ms.toFixed(1).padStart(8)} ms`,
          mode === 'force_custom_plan' ? 'custom ' : 'generic',
          statement.name,
        ].join(' '),
      );
    }
  return isBounded;
}

async function planOf(
  { text, values }: { text: string; values: readonly unknown[] },
  mode: string,
): Promise<{ plan: Plan; ms: number }> {
  await client.query(`SET plan_cache_mode = ${mode}`);
  await client.query(`PREPARE list AS ${text}`);
  const literals = values.map((value) =>
    escapeLiteral(Array.isArray(value) ? `{${value.join(',')}}` : String(value)),
  );
  const { rows } = await client.query<{
    'QUERY PLAN': { Plan?: Plan; 'Execution Time'?: number }[];
  }>(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE list (${literals.join(', ')})`);
  await client.query('DEALLOCATE list');
  const { Plan: plan, 'Execution Time': ms } = rows[0]?.['QUERY PLAN'][0] ?? {};
  if (plan === undefined || ms === undefined) throw new Error(`There is no plan of ${text}.`);
  return { plan, ms };
}

const scansMessages = (plan: Plan): boolean =>
  (plan['Node Type'] === 'Seq Scan' && plan['Relation Name'] === 'messages') ||
  (plan.Plans ?? []).some(scansMessages);

try {
  await applyMigrations(url);
  await client.connect();
  console.log(`Writing ${messages} messages in ${threads} threads …`);
  await fill();
  let differences = 0;
  for await (const _ of findDifferences(url)) differences += 1;
  console.log(`The doctor finds ${differences} differences.`);
  const isBounded = await explain();
  process.exitCode = isBounded && differences === 0 ? 0 : 1;
} catch (error) {
  console.error(error instanceof StartError ? error.message : error);
  process.exitCode = 2;
} finally {
  await client.end();
}
