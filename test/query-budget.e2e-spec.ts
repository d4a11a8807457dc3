import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Database } from '../src/database/database.js';
import type { TestApp } from './support/app.js';
import { startApp } from './support/app.js';
import {
  addParticipant,
  markRead,
  openThread,
  PLATFORM,
  send,
  setStatus,
} from './support/seeds.js';
import { statementsOf } from './support/statements.js';

const THREADS = 12;
const MESSAGES = 8;

/** As much as a client's inbox shows. */
const INBOX = `{ threads(first: 50) { nodes {
  id status unreadCount viewerCanSend tourist { displayName } guide { displayName }
  participants { role lastReadSequence user { id displayName avatarUrl } }
  lastMessage { sequence body sentAt sender { displayName } }
} } }`;
const HISTORY = `query ($id: ID!) { thread(id: $id) { id unreadCount messages(last: 50) { nodes {
  sequence body sender { displayName } status readAt readBy { readAt user { displayName } } replyTo { body }
} } } }`;

const input = (fields: object): { input: object } => ({ input: fields });
const mutation = (name: string, selection: string): string =>
  `mutation ($input: ${name[0]!.toUpperCase()}${name.slice(1)}Input!) { ${name}(input: $input) ${selection} }`;
const THREAD = '{ thread { id unreadCount status } }';
const MESSAGE = '{ message { id sequence body sender { displayName } } }';

let app: TestApp;
let threadId: string;
let other: string;
let messageId: string;
let bensMessageId: string;

beforeAll(async () => {
  // Nothing but what is asked reaches the database.
  app = await startApp({ INBOX_SWEEP_MS: '60000' });
  for (let place = 0; place < THREADS; place++) {
    const thread = await openThread(app, { guide: `guide${place}`, trip: randomUUID() });
    for (let message = 0; message < MESSAGES; message++)
      await send(app.as(message % 2 === 0 ? 'ann' : `guide${place}`), thread.id);
    await addParticipant(app, thread.id, `companion${place}`);
    [threadId, other] = [thread.id, threadId];
  }
  ({ id: messageId } = await send(app.as('ann'), threadId));
  ({ id: bensMessageId } = await send(app.as(`guide${THREADS - 1}`), threadId));
  const reply = { threadId, body: 'Yes', clientMessageId: 'reply', replyToMessageId: messageId };
  await app.as('ann').run(mutation('sendMessage', MESSAGE), input(reply));
  await markRead(app.as(`guide${THREADS - 1}`), threadId);
  await app.as('root', { roles: ['admin'] }).run('{ viewer { cursor } }');
  await app.as('ann').run(INBOX);
});
afterAll(() => app.stop());

/** What is asked, how many statements it may take, and by whom; ann unless told. */
const BUDGETS: [string, number, () => [string, unknown?], { sub: string; claims?: object }?][] = [
  ['the inbox', 2, () => [INBOX]],
  ['the inbox of an admin', 2, () => [INBOX], { sub: 'root', claims: { roles: ['admin'] } }],
  ['the unread threads', 1, () => ['{ threads(filter: { unread: true }) { nodes { id } } }']],
  [
    'the totals and the cursor',
    1,
    () => ['{ viewer { unreadMessageCount unreadThreadCount cursor } }'],
  ],
  ['a history with receipts, readers and replies', 5, () => [HISTORY, { id: threadId }]],
  [
    'a message',
    1,
    () => [
      'query ($id: ID!) { message(id: $id) { body sender { displayName } } }',
      { id: messageId },
    ],
  ],
  [
    'messages of all threads',
    1,
    () => ['{ messages(filter: {}, last: 50) { nodes { body sender { displayName } } } }'],
  ],
  [
    'messages of one thread',
    1,
    () => [
      'query ($id: ID!) { messages(filter: { threadId: $id }) { nodes { body } } }',
      { id: threadId },
    ],
  ],
  [
    'sendMessage',
    1,
    () => [
      mutation('sendMessage', MESSAGE),
      input({ threadId, body: 'Hi', clientMessageId: randomUUID() }),
    ],
  ],
  [
    'sendMessage that answers another',
    1,
    () => [
      mutation('sendMessage', MESSAGE),
      input({ threadId, body: 'Hi', clientMessageId: randomUUID(), replyToMessageId: messageId }),
    ],
  ],
  [
    'editMessage',
    2,
    () => [mutation('editMessage', MESSAGE), input({ messageId, body: randomUUID() })],
  ],
  ['deleteMessage', 2, () => [mutation('deleteMessage', MESSAGE), input({ messageId })]],
  ['markThreadRead', 3, () => [mutation('markThreadRead', THREAD), input({ threadId })]],
  [
    'markMessageRead',
    4,
    () => [mutation('markMessageRead', THREAD), input({ messageId: bensMessageId })],
  ],
  [
    'markDelivered',
    2,
    () => [
      mutation('markDelivered', '{ threads { id unreadCount } }'),
      input({
        threads: [
          { threadId, upToSequence: 3 },
          { threadId: other, upToSequence: 3 },
        ],
      }),
    ],
  ],
  [
    'openThread',
    2,
    () => [
      mutation('openThread', THREAD),
      input({ touristId: 'ann', guideId: 'guide0', tripId: randomUUID() }),
    ],
  ],
  [
    'updateThreadStatus',
    2,
    () => [mutation('updateThreadStatus', THREAD), input({ threadId: other, status: 'ARCHIVED' })],
  ],
  [
    'upsertUsers of 100 people',
    2,
    () => [
      mutation('upsertUsers', '{ users { id displayName } }'),
      input({
        users: Array.from({ length: 100 }, (_, at) => ({
          id: `person${at}`,
          displayName: `${at}`,
        })),
      }),
    ],
    { sub: 'platform', claims: PLATFORM },
  ],
];

it.each(BUDGETS.map((row) => ({ name: row[0], budget: row[1], ask: row[2], caller: row[3] })))(
  '$name takes $budget statements, whatever the numbers',
  async ({ budget, ask, caller }) => {
    const client = app.as(caller?.sub ?? 'ann', caller?.claims);
    const statements = await statementsOf(app, () => client.run(...ask()));
    expect(statements.map(({ name, text }) => name ?? text)).toHaveLength(budget);
  },
);

it('counts what goes through Prisma as well', async () => {
  const statements = await statementsOf(app, () =>
    app.as('ann').run('{ viewer { user { displayName } } }'),
  );
  expect(statements.some(({ text }) => /"users"/.test(text))).toBe(true);
  await setStatus(app.as('ann'), other, 'ACTIVE');
});

/** More than PostgreSQL plans anew before it decides whether to go on doing so, which is five times for each connection. */
const EXECUTIONS = 40;

/** How often each statement was planned for its values, and how often not, of all connections. */
async function plansOf(names: readonly string[]): Promise<Record<string, number[]>> {
  const { pool } = app.get(Database);
  const clients = await Promise.all(Array.from({ length: pool.totalCount }, () => pool.connect()));
  try {
    const plans: Record<string, number[]> = {};
    for (const client of clients) {
      const { rows } = await client.query<{ name: string; custom: number; generic: number }>(
        'SELECT name, custom_plans AS custom, generic_plans AS generic FROM pg_prepared_statements',
      );
      for (const { name, custom, generic } of rows.filter(({ name }) => names.includes(name))) {
        const [most = 0, all = 0] = plans[name] ?? [];
        plans[name] = [Math.max(most, custom), all + custom + generic];
      }
    }
    return plans;
  } finally {
    for (const client of clients) client.release();
  }
}

/** Asks so often that PostgreSQL has decided; these statements are planned once a connection, and not at each execution. */
async function expectToBePlannedOnce(
  names: readonly string[],
  ...question: [string, unknown?]
): Promise<void> {
  for (let time = 0; time < EXECUTIONS; time++) await app.as('ann').run(...question);
  const plans = await plansOf(names);
  expect(Object.keys(plans).sort()).toEqual([...names].sort());
  for (const [name, [custom = 0, all = 0]] of Object.entries(plans)) {
    expect([name, all >= EXECUTIONS]).toEqual([name, true]);
    expect([name, custom <= 5]).toEqual([name, true]);
  }
}

it('plans a look for one thing once a connection, and not at each look', () =>
  expectToBePlannedOnce(
    [
      'threads_visible',
      'participants_of_threads',
      'messages_by_place',
      'message_readers',
      'messages_visible',
    ],
    `query ($thread: ID!, $message: ID!) {
      thread(id: $thread) { participants { role } lastMessage { status } }
      message(id: $message) { body }
    }`,
    { thread: threadId, message: messageId },
  ));

it('plans pages once a connection, however long the threads are', async () => {
  const { pool } = app.get(Database);
  await pool.query(
    `SELECT send_messages(array_agg($1::uuid), array_agg('ann'::text), array_agg('TEXT'::message_type), array_agg('Hello'::text),
       NULL, array_agg('bulk-' || n), NULL, NULL) FROM generate_series(1, 5000) AS n`,
    [threadId],
  );
  await pool.query('ANALYZE messages');
  await expectToBePlannedOnce(
    ['messages_thread_back_plain', 'messages_own_back_plain'],
    `query ($thread: ID!) {
      ofThread: messages(filter: { threadId: $thread }, last: 2) { nodes { body } }
      own: messages(filter: {}, last: 2) { nodes { body } }
    }`,
    { thread: threadId },
  );
});
