import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { DatabaseError } from 'pg';
import { Client } from 'pg';
import { Database } from '../src/database/database.js';
import type { TestApp } from './support/app.js';
import { startApp, until } from './support/app.js';
import { untilCompiling, watchExecutions } from './support/executions.js';
import { lockWaiters } from './support/lock-waiters.js';
import { addParticipant, openThread, PLATFORM, send, setStatus } from './support/seeds.js';
import type { SocketClient } from './support/socket-client.js';
import { statementsOf } from './support/statements.js';

const SEND = `mutation ($input: SendMessageInput!) {
  sendMessage(input: $input) { deduplicated message { id sequence body } }
}`;

const SEND_SYSTEM = `mutation ($input: SendSystemMessageInput!) {
  sendSystemMessage(input: $input) { message { id } }
}`;

/** As another node sends a batch: $1 thread, $2 clientMessageId. */
const SEND_AS_ANN = `SELECT send_messages(ARRAY[$1::uuid], '{ann}', '{TEXT}', '{There}', NULL, ARRAY[$2], NULL, NULL)`;

let app: TestApp;
let ann: SocketClient;
let threadId: string;

beforeAll(async () => {
  app = await startApp({ MAX_OPERATIONS_PER_SOCKET: '100' });
  ann = await app.socket('ann');
  await untilCompiling(app, watchExecutions(app));
  // A first use takes longer on its way to the queue than what comes after it.
  threadId = await open();
  for (let use = 0; use < 3; use++) await sayAtOnce({});
});
beforeEach(async () => {
  threadId = await open();
});
afterAll(() => app.stop());

const open = async (guide = 'ben'): Promise<string> =>
  (await openThread(app, { guide, trip: randomUUID() })).id;

/** What becomes of a send: the message, or the code of the refusal. */
async function outcomeOf(socket: SocketClient, fields: object): Promise<any> {
  const input = { threadId, body: 'Hello', clientMessageId: randomUUID(), ...fields };
  const { payload } = await socket.start(SEND, { input }).frame();
  const [error] = payload.errors ?? (Array.isArray(payload) ? payload : []);
  return error?.extensions.code ?? payload.data.sendMessage;
}

/** Ann says all of this at once: what one socket brings in one piece is one batch. */
const sayAtOnce = (...sends: object[]): Promise<any[]> =>
  Promise.all(sends.map((fields) => outcomeOf(ann, fields)));

const rowsOf = async (text: string, values: unknown[] = []): Promise<any[]> =>
  (await app.get(Database).pool.query(text, values)).rows;

async function connect(): Promise<Client> {
  const client = new Client({ connectionString: app.databaseUrl });
  await client.connect();
  return client;
}

const isSend = (text: string): boolean => /send_messages?\(/.test(text);

/** What a thread holds, in order. */
const bodiesOf = async (id: string): Promise<string[]> =>
  (await rowsOf('SELECT body FROM messages WHERE thread_id = $1 ORDER BY sequence', [id])).map(
    ({ body }) => body,
  );

describe('many sends at once', () => {
  it('are each stored once, without a gap in a thread or a journal, and with the totals of every moment', async () => {
    const people = ['tess', 'gus', 'una', 'mo'];
    const [tess = '', gus, una, mo = ''] = people;
    const threads = await Promise.all(
      [gus, una, gus, una].map(
        async (guide) =>
          (await openThread(app, { tourist: tess, guide: guide!, trip: randomUUID() })).id,
      ),
    );
    await addParticipant(app, threads[0]!, mo);
    await addParticipant(app, threads[1]!, mo);
    const speakers = [
      [tess, gus, mo],
      [tess, una, mo],
      [tess, gus],
      [tess, una],
    ];
    const sends = threads.flatMap((id, at) =>
      speakers[at]!.flatMap((person) =>
        Array.from({ length: 12 }, (_, n) => ({ id, person: person!, n })),
      ),
    );
    const statements = await statementsOf(app, () =>
      Promise.all(sends.map(({ id, person, n }) => send(app.as(person), id, `${person} ${n}`))),
    );
    const batches = statements.filter(({ text }) => isSend(text));
    expect(batches.length).toBeGreaterThan(0);
    expect(batches.length).toBeLessThan(sends.length);

    for (const id of threads) {
      const rows = await rowsOf(
        'SELECT sequence, author_id, body FROM messages WHERE thread_id = $1 ORDER BY sequence',
        [id],
      );
      const expected = sends.filter((each) => each.id === id);
      expect(rows.map(({ sequence }) => sequence)).toEqual(expected.map((_, at) => at + 1));
      expect(rows.map(({ body }) => body).sort()).toEqual(
        expected.map(({ person, n }) => `${person} ${n}`).sort(),
      );
    }
    for (const person of people) {
      const entries = await rowsOf(
        `SELECT e.position, e.kind, e.thread_id, e.unread_message_count AS messages, e.unread_thread_count AS threads,
           m.author_id FROM inbox_entries e LEFT JOIN messages m ON m.id = e.message_id
         WHERE e.user_id = $1 ORDER BY e.position`,
        [person],
      );
      expect(entries.map(({ position }) => Number(position))).toEqual(
        entries.map((_, at) => at + 1),
      );
      const unread = new Map<string, number>();
      for (const { kind, thread_id, author_id, messages, threads: threadCount } of entries) {
        if (kind === 'MESSAGE_ADDED' && author_id !== person)
          unread.set(thread_id, (unread.get(thread_id) ?? 0) + 1);
        const sum = [...unread.values()].reduce((total, count) => total + count, 0);
        expect([messages, threadCount]).toEqual([sum, unread.size]);
      }
      expect(entries.filter(({ kind }) => kind === 'MESSAGE_ADDED')).toHaveLength(
        sends.filter(({ id }) => speakers[threads.indexOf(id)]!.includes(person)).length,
      );
    }
  });

  it('keep the order in which one socket brings them, in every thread', async () => {
    const other = await open();
    const bodies = Array.from({ length: 40 }, (_, at) => String(at));
    await sayAtOnce(...bodies.flatMap((body) => [{ body }, { body, threadId: other }]));
    expect(await bodiesOf(threadId)).toEqual(bodies);
    expect(await bodiesOf(other)).toEqual(bodies);
  });
});

describe('in one batch', () => {
  it('everybody gets an answer of their own, whatever the others get', async () => {
    const [archived, blocked, other] = [await open(), await open('bob'), await open()];
    const foreign = await openThread(app, { tourist: 'eve', guide: 'zoe', trip: randomUUID() });
    const { id: elsewhere } = await send(app.as('ann'), other);
    const used = { clientMessageId: randomUUID(), body: 'Used' };
    const [first] = await sayAtOnce(used);
    await setStatus(app.as('ben'), archived, 'ARCHIVED');
    await setStatus(app.as('bob'), blocked, 'BLOCKED');
    let answers: any[] = [];
    const statements = await statementsOf(app, async () => {
      answers = await sayAtOnce(
        { body: '2' },
        { threadId: archived },
        { threadId: blocked },
        { threadId: foreign.id },
        { threadId: randomUUID() },
        { ...used, body: 'Other' },
        used,
        { replyToMessageId: elsewhere },
        { body: '3', replyToMessageId: first.message.id },
        { threadId: other, body: 'There' },
      );
    });
    const batches = statements.filter(({ text }) => isSend(text));
    expect(batches.length).toBeLessThan(answers.length / 2);
    expect(answers).toMatchObject([
      { deduplicated: false, message: { sequence: 2 } },
      'THREAD_ARCHIVED',
      'THREAD_BLOCKED',
      'NOT_FOUND',
      'NOT_FOUND',
      'CONFLICT',
      { deduplicated: true, message: { id: first.message.id } },
      'NOT_FOUND',
      { deduplicated: false, message: { sequence: 3 } },
      { deduplicated: false, message: { sequence: 2 } },
    ]);
    expect(await bodiesOf(threadId)).toEqual(['Used', '2', '3']);
  });

  it('a message is stored and told as one that comes alone', async () => {
    const platform = await app.socket('platform', PLATFORM);
    const location = { latitude: 40.4, longitude: -3.7, label: 'Sol' };
    const told = [];
    for (const guide of ['cas', 'dan']) {
      const id = await open(guide);
      const [{ message }] = await sayAtOnce({ threadId: id });
      const texts = [
        { body: 'Hi' },
        { messageType: 'LOCATION', location },
        { body: 'Yes', replyToMessageId: message.id },
      ].map((fields) => () => outcomeOf(ann, { threadId: id, ...fields }));
      const systems = ['paid', 'moved'].map((code) => () => {
        const params = [{ key: 'trip', value: 'Madrid' }];
        const input = { threadId: id, body: 'News', clientMessageId: randomUUID(), code, params };
        return platform.run(SEND_SYSTEM, { input });
      });
      const statements = await statementsOf(app, async () => {
        for (const sends of [texts, systems]) {
          if (guide === 'dan') await Promise.all(sends.map((say) => say()));
          else for (const say of sends) await say();
        }
      });
      const batches = statements.filter(({ text }) => isSend(text)).length;
      if (guide === 'dan') expect(batches).toBeLessThan(5);
      else expect(batches).toBe(5);
      told.push({
        messages: await rowsOf(
          `SELECT m.sequence, m.author_id, m.message_type, m.body, m.latitude, m.longitude, m.location_label, m.system_code,
             m.system_params, r.sequence AS reply_to, a.actor_id, a.action, a.details
           FROM messages m LEFT JOIN messages r ON r.id = m.reply_to_id LEFT JOIN audit_entries a ON a.message_id = m.id
           WHERE m.thread_id = $1 ORDER BY m.sequence`,
          [id],
        ),
        entries: await rowsOf(
          `SELECT e.position, e.kind, m.sequence, e.at = m.sent_at AS "onTime", e.unread_message_count, e.unread_thread_count
           FROM inbox_entries e LEFT JOIN messages m ON m.id = e.message_id WHERE e.user_id = $1 ORDER BY e.position`,
          [guide],
        ),
        thread: await rowsOf(
          `SELECT t.last_sequence, t.last_message_author_id, t.last_message_type, t.last_message_body, p.role, p.unread_count,
             t.last_message_id = m.id AND t.last_message_at = m.sent_at AND t.activity_at = m.sent_at
               AND p.activity_at = m.sent_at AS "isLast"
           FROM threads t JOIN messages m ON m.thread_id = t.id AND m.sequence = t.last_sequence
           JOIN participants p ON p.thread_id = t.id
           WHERE t.id = $1 ORDER BY p.role`,
          [id],
        ),
      });
    }
    const [alone, together] = told;
    expect(alone!.messages).toHaveLength(6);
    expect(alone!.entries.at(-1)).toMatchObject({ sequence: 6, onTime: true });
    expect(alone!.thread).toMatchObject([
      { isLast: true, unread_count: 2 },
      { isLast: true, unread_count: 6 },
    ]);
    expect(together).toEqual(alone);
  });

  it('a clientMessageId that comes twice is one message, and both are answered', async () => {
    const clientMessageId = randomUUID();
    const [first, again] = await sayAtOnce({ clientMessageId }, { clientMessageId });
    expect(first).toMatchObject({ deduplicated: false });
    expect(again).toEqual({ ...first, deduplicated: true });
  });

  it('a clientMessageId that comes to two threads is taken in the first one', async () => {
    const clientMessageId = randomUUID();
    const other = await open();
    const answers = await sayAtOnce({ clientMessageId }, { clientMessageId, threadId: other });
    expect(answers).toMatchObject([{ deduplicated: false }, 'CONFLICT']);
    expect(await bodiesOf(other)).toEqual([]);
  });

  it('a clientMessageId that another node is storing in another thread at the same moment is taken there', async () => {
    const [clientMessageId, elsewhere] = [randomUUID(), await open()];
    const otherNode = await connect();
    try {
      await otherNode.query('BEGIN');
      await otherNode.query(SEND_AS_ANN, [elsewhere, clientMessageId]);
      const answers = sayAtOnce({ body: '1' }, { clientMessageId }, { body: '2' });
      await until(async () => (await lockWaiters(otherNode)).length > 0, 'the batch waits for it');
      await otherNode.query('COMMIT');
      expect(await answers).toMatchObject([
        { message: { sequence: 1 } },
        'CONFLICT',
        { message: { sequence: 2 } },
      ]);
    } finally {
      await otherNode.end();
    }
  });

  it('one that PostgreSQL itself refuses fails alone, tells nothing, and can be sent again', async () => {
    const other = await open();
    await rowsOf(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'a secret of the database'; END $$`);
    await rowsOf(`CREATE TRIGGER refuse BEFORE INSERT ON messages FOR EACH ROW
      WHEN (NEW.body = 'bad') EXECUTE FUNCTION refuse()`);
    const bad = { body: 'bad', clientMessageId: randomUUID() };
    const bodies = Array.from({ length: 12 }, (_, at) => String(at));
    const good = bodies.map((body) => ({ body }));
    const answers = await sayAtOnce(
      ...good.slice(0, 6),
      bad,
      ...good.slice(6),
      ...bodies.map((body) => ({ body, threadId: other })),
    );
    expect(answers.splice(6, 1)).toEqual(['INTERNAL_SERVER_ERROR']);
    expect(answers).toMatchObject(answers.map(() => ({ deduplicated: false })));
    expect(await bodiesOf(threadId)).toEqual(bodies);
    expect(await bodiesOf(other)).toEqual(bodies);
    const { text } = await app.as('ann').send(SEND, { input: { threadId, ...bad } });
    expect(text).toContain('INTERNAL_SERVER_ERROR');
    expect(text).not.toContain('secret');
    await rowsOf('DROP TRIGGER refuse ON messages');
    await rowsOf('DROP FUNCTION refuse');
    expect(await sayAtOnce(bad)).toMatchObject([
      { deduplicated: false, message: { sequence: 13 } },
    ]);
  });
});

describe('a send that is alone', () => {
  it('holds nobody’s journal while it waits for its clientMessageId, nor whoever waits for it', async () => {
    const [clientMessageId, elsewhere] = [randomUUID(), await open('cas')];
    const [holder, otherNode] = await Promise.all([connect(), connect()]);
    try {
      await holder.query('BEGIN');
      await holder.query(`SELECT FROM inboxes WHERE user_id = 'ben' FOR NO KEY UPDATE`);
      const here = outcomeOf(ann, { clientMessageId });
      await until(async () => (await lockWaiters(holder)).length === 1, 'it waits for Ben');
      const there = otherNode
        .query(SEND_AS_ANN, [elsewhere, clientMessageId])
        .catch((error: unknown) => (error as DatabaseError).code);
      await until(async () => (await lockWaiters(holder)).length === 2, 'the other one waits');
      await holder.query('COMMIT');
      expect(await here).toMatchObject({ deduplicated: false, message: { sequence: 1 } });
      expect(await there).toBe('23505');
    } finally {
      await Promise.all([holder.end(), otherNode.end()]);
    }
  });
});

describe('a thread that somebody else has locked', () => {
  it('holds up nobody but itself, and goes on in order', async () => {
    const others = [await open(), await open('bob')];
    const holder = await connect();
    try {
      await holder.query('BEGIN');
      await holder.query('SELECT FROM threads WHERE id = $1 FOR UPDATE', [threadId]);
      const held = sayAtOnce({ body: '1' }, { body: '2' });
      await until(
        async () => (await lockWaiters(holder)).length > 0,
        'the sends wait for the lock',
      );
      // Nothing else comes that could start what waits.
      for (const id of others)
        expect(await sayAtOnce({ threadId: id }, { threadId: id })).toMatchObject([
          { message: { sequence: 1 } },
          { message: { sequence: 2 } },
        ]);
      const more = sayAtOnce({ body: '3' }, { body: '4' }, { threadId: others[0]!, body: 'free' });
      await until(async () => (await bodiesOf(others[0]!)).length === 3, 'the free one is stored');
      expect(await bodiesOf(threadId)).toEqual([]);
      await holder.query('COMMIT');
      const sequences = [...(await held), ...(await more).slice(0, 2)].map(
        ({ message }) => message.sequence,
      );
      expect(sequences).toEqual([1, 2, 3, 4]);
      expect(await bodiesOf(threadId)).toEqual(['1', '2', '3', '4']);
    } finally {
      await holder.end();
    }
  });

  it('refuses whoever finds no connection meanwhile after one wait, and not after several', async () => {
    const other = await open('bob');
    const holder = await connect();
    const small = await startApp({ DATABASE_POOL_SIZE: '2' }, { url: app.databaseUrl });
    const client = small.as('ann');
    try {
      await client.run('{ viewer { unreadMessageCount } }');
      await holder.query('BEGIN');
      await holder.query('SELECT FROM threads WHERE id = ANY ($1) FOR UPDATE', [[threadId, other]]);
      const held = [threadId, other].map((id) => setStatus(client, id, 'ARCHIVED'));
      await until(async () => (await lockWaiters(holder)).length === 2, 'both connections wait');
      expect(await client.refusal('{ viewer { unreadMessageCount } }')).toBe('SERVICE_UNAVAILABLE');
      await holder.query('COMMIT');
      await Promise.all(held);
    } finally {
      await holder.end();
      await small.stop();
    }
  }, 30_000);
});
