import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { NotifierService } from '../src/notifications/notifier.service.js';
import type { TestApp } from './support/app.js';
import { startApp, until } from './support/app.js';
import type { TestDatabase } from './support/database.js';
import { createDatabase } from './support/database.js';
import { openThread, send, sendMany } from './support/seeds.js';

/** Far more than a sweep takes, so that what is seen is what the hints did. */
const SELDOM_MS = '60000';

let database: TestDatabase;
/** Makes no notifications by itself. */
let app: TestApp;
let client: pg.Client;

beforeAll(async () => {
  database = await createDatabase();
  app = await startApp({}, database);
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterEach(() => client.query('ROLLBACK'));
afterAll(async () => {
  await client.end();
  await app.stop();
  await database.drop();
});

/** Guides with a thread each, all of the same tourist; in no order. */
async function guides(count: number): Promise<{ threads: string[]; people: string[] }> {
  const people = Array.from({ length: count }, () => `g-${randomUUID()}`);
  const threads = await Promise.all(
    people.map(async (guide) => (await openThread(app, { tourist: 'tess', guide })).id),
  );
  return { threads, people };
}

/** Each of the guides gets a message. */
const tellAll = (node: TestApp, threads: readonly string[]): Promise<unknown> =>
  Promise.all(threads.map((threadId) => send(node.as('tess'), threadId)));

/** As long as another node makes notifications. */
async function whileNotifying(
  environment: Readonly<Record<string, string>>,
  work: (making: TestApp) => Promise<void>,
): Promise<void> {
  const making = await startApp({ NOTIFIER: 'true', ...environment }, database);
  try {
    await work(making);
  } finally {
    await making.stop();
  }
}

const numberOf = async (text: string, people: readonly string[]): Promise<number> =>
  Number((await client.query<{ n: string }>(`SELECT (${text}) AS n`, [people])).rows[0]!.n);

/** How many messages these people were told of, and how often; nobody is asked, for asking tells. */
const toldOf = async (people: readonly string[]): Promise<number[]> => [
  await numberOf('SELECT sum(count) FROM notifications WHERE user_id = ANY ($1)', people),
  await numberOf('SELECT count(*) FROM notification_deliveries WHERE user_id = ANY ($1)', people),
  await numberOf(
    `SELECT count(*) FROM inbox_entries WHERE user_id = ANY ($1) AND kind = 'NOTIFICATION_ADDED'`,
    people,
  ),
];

/** Sooner than a connection gives up waiting for a lock. */
const untilTold = (people: readonly string[]): Promise<void> =>
  until(
    async () => (await toldOf(people))[0] === people.length,
    'each of them is told of their message',
    5_000,
  );

describe('several people in one transaction', () => {
  it('are each told once, whoever takes them in at once and in whichever order', async () => {
    const { threads, people } = await guides(40);
    const notifier = app.get(NotifierService);
    for (let round = 1; round <= 3; round++) {
      for (const threadId of threads) await sendMany(app.as('tess'), threadId, 2);
      const orders = [people, [...people].reverse(), [...people].sort(), people.slice(20)];
      const done = await Promise.all(orders.map((order) => notifier.takeIn(order)));
      // Whoever was left out by one was done by another.
      expect(new Set(done.flatMap((one) => [...one.keys()]))).toEqual(new Set(people));
      expect(await toldOf(people)).toEqual([80 * round, 80 * round, 40 * round]);
    }
  });

  it('are taken in to the end, also those whose journal is longer than a transaction takes', async () => {
    const { threads, people } = await guides(2);
    const thousand = (value: string): string => `array_fill(${value}, ARRAY[1100])`;
    await client.query(
      `SELECT send_messages(${thousand('$1::uuid')}, ${thousand("'tess'::text")}, ${thousand("'TEXT'::message_type")},
         ${thousand("'x'::text")}, ${thousand('NULL::uuid')},
         ARRAY(SELECT gen_random_uuid()::text FROM generate_series(1, 1100)), ${thousand("'ab'::bytea")}, NULL)`,
      [threads[0]],
    );
    await send(app.as('tess'), threads[1]!);
    const done = await app.get(NotifierService).takeIn(people);
    expect([...done.keys()].sort()).toEqual([...people].sort());
    expect((await toldOf(people)).slice(0, 2)).toEqual([1101, 1101]);
  });

  it('do not wait for one whose row somebody holds, and that one is told as soon as it is free', async () => {
    const { threads, people } = await guides(10);
    const [held = '', ...others] = people;
    await client.query('INSERT INTO notifier_positions (user_id) VALUES ($1)', [held]);
    await whileNotifying({ NOTIFIER_SWEEP_MS: SELDOM_MS }, async (making) => {
      await client.query('BEGIN');
      await client.query('SELECT FROM notifier_positions WHERE user_id = $1 FOR UPDATE', [held]);
      // By the node that makes notifications, so that it has the hints.
      await tellAll(making, threads);
      await untilTold(others);
      expect(await toldOf([held])).toEqual([0, 0, 0]);
      await client.query('ROLLBACK');
      await untilTold([held]);
    });
    expect(await toldOf(people)).toEqual([10, 10, 10]);
  });

  it('wait no longer than a moment for one whose journal somebody holds', async () => {
    const { threads, people } = await guides(10);
    const [held = '', ...others] = people;
    await tellAll(app, threads);
    await client.query('BEGIN');
    await client.query('SELECT FROM inboxes WHERE user_id = $1 FOR UPDATE', [held]);
    await whileNotifying({ NOTIFIER_SWEEP_MS: '100' }, async () => {
      await untilTold(others);
      expect(await toldOf([held])).toEqual([0, 0, 0]);
      await client.query('ROLLBACK');
      await untilTold([held]);
    });
    expect(await toldOf(people)).toEqual([10, 10, 10]);
  });

  it('are told although one of them cannot be, who is told when that is over', async () => {
    const { threads, people } = await guides(10);
    const [poor = '', ...others] = people;
    await client.query(
      `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this one'; END $$`,
    );
    await client.query(
      `CREATE TRIGGER refusal BEFORE INSERT ON notifications FOR EACH ROW
       WHEN (NEW.user_id = '${poor}') EXECUTE FUNCTION refuse()`,
    );
    await whileNotifying({ NOTIFIER_SWEEP_MS: '100' }, async (making) => {
      await tellAll(making, threads);
      await untilTold(others);
      expect(await toldOf([poor])).toEqual([0, 0, 0]);
      await client.query('DROP TRIGGER refusal ON notifications');
      await untilTold([poor]);
    });
    expect(await toldOf(people)).toEqual([10, 10, 10]);
  });
});
