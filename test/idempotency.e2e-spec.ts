import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Database } from '../src/database/database.js';
import type { TestApp } from './support/app.js';
import { startApp } from './support/app.js';
import type { Answer, HttpClient } from './support/http-client.js';
import { addParticipant, openThread, PLATFORM, send } from './support/seeds.js';

const SEND = `mutation ($input: SendMessageInput!) {
  sendMessage(input: $input) { deduplicated message { id sequence body sentAt } }
}`;

let app: TestApp;
let ann: HttpClient;
let platform: HttpClient;
let threadId: string;

beforeAll(async () => {
  app = await startApp();
  [ann, platform] = [app.as('ann'), app.as('platform', PLATFORM)];
  await app.as('ben').run('{ viewer { cursor } }');
});
beforeEach(async () => {
  ({ id: threadId } = await openThread(app, { trip: randomUUID() }));
});
afterAll(() => app.stop());

const { stringify } = JSON;

/** Everything that is stored: what a call may have changed. */
async function stored(): Promise<string> {
  const { pool } = app.get(Database);
  const tables = [
    'users',
    'threads',
    'participants',
    'messages',
    'message_versions',
    'read_receipts',
    'inboxes',
    'inbox_entries',
    'audit_entries',
  ];
  const contents = [];
  for (const table of tables)
    contents.push(
      (
        await pool.query(
          `SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) AS sum, count(*) FROM ${table} t`,
        )
      ).rows[0],
    );
  return stringify(contents);
}

interface Call {
  readonly name: string;
  readonly selection: string;
  readonly client: () => HttpClient;
  readonly input: () => Promise<object>;
  /** The answer to a repeat, where it is another one. */
  readonly again?: string;
}
const asAnn = (): HttpClient => ann;
const asPlatform = (): HttpClient => platform;
const toThread = (fields: object = {}): Promise<object> => Promise.resolve({ threadId, ...fields });

const CALLS: Call[] = [
  {
    name: 'openThread',
    selection: '{ thread { id } }',
    client: asAnn,
    input: () => Promise.resolve({ touristId: 'ann', guideId: 'ben', tripId: randomUUID() }),
  },
  {
    name: 'updateThreadStatus',
    selection: '{ thread { status lastSequence } }',
    client: asAnn,
    input: () => toThread({ status: 'BLOCKED' }),
  },
  {
    name: 'deleteThread',
    selection: '{ deletedThreadId }',
    client: asPlatform,
    input: () => toThread(),
    again: 'NOT_FOUND',
  },
  {
    name: 'muteThread',
    selection: '{ thread { viewerMutedUntil } }',
    client: asAnn,
    input: () => toThread({ until: '2030-01-01T00:00:00.000Z' }),
  },
  {
    name: 'addParticipant',
    selection: '{ thread { participants { user { id } } } }',
    client: asPlatform,
    input: () => toThread({ userId: randomUUID(), role: 'MEMBER' }),
  },
  {
    name: 'removeParticipant',
    selection: '{ thread { participants { user { id } } } }',
    client: asPlatform,
    input: async () => {
      await addParticipant(app, threadId, 'cat');
      return toThread({ userId: 'cat' });
    },
  },
  {
    name: 'sendMessage',
    selection: '{ message { id sequence sentAt } }',
    client: asAnn,
    input: () => toThread({ body: 'Hello', clientMessageId: randomUUID() }),
  },
  {
    name: 'sendSystemMessage',
    selection: '{ message { id sequence sentAt } }',
    client: asPlatform,
    input: () => toThread({ body: 'Paid', code: 'paid', clientMessageId: randomUUID() }),
  },
  {
    name: 'editMessage',
    selection: '{ message { body editedAt } }',
    client: asAnn,
    input: async () => ({ messageId: (await send(ann, threadId)).id, body: 'Other' }),
  },
  {
    name: 'deleteMessage',
    selection: '{ message { body deletedAt } }',
    client: asAnn,
    input: async () => ({ messageId: (await send(ann, threadId)).id }),
  },
  {
    name: 'markMessageRead',
    selection: '{ thread { unreadCount } }',
    client: asAnn,
    input: async () => ({ messageId: (await send(app.as('ben'), threadId)).id }),
  },
  {
    name: 'markThreadRead',
    selection: '{ thread { unreadCount } }',
    client: asAnn,
    input: async () => {
      await send(app.as('ben'), threadId);
      return toThread();
    },
  },
  {
    name: 'markDelivered',
    selection: '{ threads { participants { lastDeliveredSequence } } }',
    client: asAnn,
    input: async () => {
      await send(app.as('ben'), threadId);
      return { threads: [{ threadId, upToSequence: 1 }] };
    },
  },
];
const operationOf = ({ name, selection }: Call): string =>
  `mutation ($input: ${name[0]!.toUpperCase()}${name.slice(1)}Input!) { ${name}(input: $input) ${selection} }`;
const outcomeOf = ({ data, errors }: Answer): unknown => errors?.[0]?.extensions.code ?? data;

describe('a repeated call', () => {
  it.each(CALLS.map((call) => [call.name, call] as const))(
    'of %s has the effect of one, at once and later',
    async (_name, call) => {
      const variables = { input: await call.input() };
      const ask = (): Promise<Answer> => call.client().send(operationOf(call), variables);
      const before = await stored();
      const answers = (await Promise.all([ask(), ask(), ask(), ask()])).map(outcomeOf);
      const after = await stored();
      expect(after).not.toBe(before);
      const [first] = answers.filter((answer) => typeof answer === 'object');
      expect(first).toBeDefined();
      const others = answers.filter((answer) => answer !== call.again);
      expect(others).toHaveLength(call.again === undefined ? 4 : 1);
      for (const answer of others) expect(answer).toEqual(first);
      expect(outcomeOf(await ask())).toEqual(call.again ?? first);
      expect(await stored()).toBe(after);
    },
  );

  it('of upsertUsers changes nothing but the time of the last refresh', async () => {
    const input = { users: [{ id: 'ann', displayName: 'Ann', timeZone: 'Europe/Madrid' }] };
    const upsert = (): Promise<unknown> =>
      platform.run(
        'mutation ($input: UpsertUsersInput!) { upsertUsers(input: $input) { users { displayName } } }',
        { input },
      );
    await Promise.all([upsert(), upsert(), upsert()]);
    const after = await stored();
    await upsert();
    expect(await stored()).toBe(after);
  });
});

describe('a clientMessageId', () => {
  const input = (fields: object = {}): { input: object } => ({
    input: { threadId, body: 'Where?', clientMessageId: `id-${threadId}`, ...fields },
  });

  it('gives the first answer again, whatever has happened to the message', async () => {
    const { sendMessage: first } = await ann.run(SEND, input());
    expect(first.deduplicated).toBe(false);
    const { sendMessage: again } = await ann.run(SEND, input());
    expect(again).toEqual({ ...first, deduplicated: true });
    await ann.run(
      'mutation ($input: EditMessageInput!) { editMessage(input: $input) { message { id } } }',
      {
        input: { messageId: first.message.id, body: 'When?' },
      },
    );
    expect((await ann.run(SEND, input())).sendMessage).toMatchObject({
      deduplicated: true,
      message: { body: 'When?' },
    });
    await ann.run(
      'mutation ($input: DeleteMessageInput!) { deleteMessage(input: $input) { message { id } } }',
      {
        input: { messageId: first.message.id },
      },
    );
    expect((await ann.run(SEND, input())).sendMessage).toMatchObject({
      deduplicated: true,
      message: { body: '' },
    });
    await ann.run(
      'mutation ($input: UpdateThreadStatusInput!) { updateThreadStatus(input: $input) { thread { id } } }',
      {
        input: { threadId, status: 'BLOCKED' },
      },
    );
    expect((await ann.run(SEND, input())).sendMessage.deduplicated).toBe(true);
  });

  it('is a repeat also where the id that it answers is written in other letters', async () => {
    const { message } = (await ann.run(SEND, input({ clientMessageId: 'first' }))).sendMessage;
    const answer = (id: string): Promise<any> =>
      ann.run(SEND, input({ clientMessageId: 'second', replyToMessageId: id }));
    expect((await answer(message.id)).sendMessage.deduplicated).toBe(false);
    expect((await answer(message.id.toUpperCase())).sendMessage.deduplicated).toBe(true);
  });

  it('is CONFLICT with another body, type, place, answer or thread', async () => {
    const { sendMessage } = await ann.run(SEND, input());
    const { id: other } = await openThread(app, { trip: randomUUID() });
    for (const fields of [
      { body: 'Whither?' },
      { body: 'https://example.com/a.png', messageType: 'IMAGE' },
      { messageType: 'LOCATION', location: { latitude: 1, longitude: 2 } },
      { replyToMessageId: sendMessage.message.id },
      { threadId: other },
    ])
      expect([fields, await ann.refusal(SEND, input(fields))]).toEqual([fields, 'CONFLICT']);
    const { rows } = await app
      .get(Database)
      .pool.query('SELECT last_sequence FROM threads WHERE id = ANY ($1) ORDER BY last_sequence', [
        [threadId, other],
      ]);
    expect(rows).toEqual([{ last_sequence: 0 }, { last_sequence: 1 }]);
  });

  it('is each sender’s own', async () => {
    await ann.run(SEND, input());
    expect((await app.as('ben').run(SEND, input())).sendMessage).toMatchObject({
      deduplicated: false,
      message: { sequence: 2 },
    });
  });

  it('used in two threads at once is taken in one of them', async () => {
    for (let round = 0; round < 10; round++) {
      const threads = await Promise.all([1, 2].map(() => openThread(app, { trip: randomUUID() })));
      const clientMessageId = randomUUID();
      const answers = await Promise.all(
        threads.map(({ id }) => ann.send(SEND, input({ threadId: id, clientMessageId }))),
      );
      const codes = answers.map(({ errors }) => errors?.[0]?.extensions.code ?? 'taken');
      expect(codes.sort()).toEqual(['CONFLICT', 'taken']);
      const { rows } = await app
        .get(Database)
        .pool.query('SELECT sum(last_sequence)::integer AS sum FROM threads WHERE id = ANY ($1)', [
          threads.map(({ id }) => id),
        ]);
      expect(rows).toEqual([{ sum: 1 }]);
    }
  });
});
