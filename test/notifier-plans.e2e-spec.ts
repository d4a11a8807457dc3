import { afterAll, beforeAll, expect, it } from '@jest/globals';
import pg from 'pg';
import type { TestApp } from './support/app.js';
import { startApp } from './support/app.js';
import type { TestDatabase } from './support/database.js';
import { createDatabase } from './support/database.js';
import { markRead, openThread, sendMany } from './support/seeds.js';

const MESSAGES = 200;

let database: TestDatabase;
let app: TestApp;

beforeAll(async () => {
  database = await createDatabase();
  // To the planner, who knows them to be empty, any way through these tables costs the same.
  await withDatabase((client) => client.query('VACUUM ANALYZE'));
  // One connection writes, so all is done by the plans that were made first.
  app = await startApp({ DATABASE_POOL_SIZE: '2' }, database);
});
afterAll(() => database.drop());

async function withDatabase<Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const told = (person: string): Promise<unknown> =>
  app.as(person).run('{ notifications { nodes { count } } }');

it('looks deliveries and entries up one by one, however few there were when that was planned', async () => {
  const { id } = await openThread(app);
  for (const count of [1, MESSAGES, MESSAGES]) {
    await sendMany(app.as('ann'), id, count);
    await told('ben');
  }
  await markRead(app.as('ben'), id);
  await told('ann');
  // What the connections have counted is there once they have ended.
  await app.stop();
  const read = await withDatabase(async (client) => {
    const { rows } = await client.query<{ table: string; read: number }>(
      `SELECT relname AS table, sum(idx_tup_read)::integer AS read FROM pg_stat_user_indexes
       WHERE relname IN ('notification_deliveries', 'inbox_entries') GROUP BY relname`,
    );
    return new Map(rows.map(({ table, read: entries }) => [table, entries]));
  });
  expect(read.get('notification_deliveries')).toBeLessThan(10 * MESSAGES);
  expect(read.get('inbox_entries')).toBeLessThan(20 * MESSAGES);
});
