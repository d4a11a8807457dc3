import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Client } from 'pg';
import type { TestApp } from './support/app.js';
import { startApp, until } from './support/app.js';
import { openThread, send } from './support/seeds.js';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ INBOX_SWEEP_MS: '100' });
});
afterAll(() => app.stop());

/** Two of them, for what a transaction has once seen of the activity it goes on seeing. */
async function connect(): Promise<Client> {
  const client = new Client({ connectionString: app.databaseUrl });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

it('tells an event that could not be loaded as soon as it can, and no error instead of it', async () => {
  const { id: threadId } = await openThread(app);
  const { viewer } = (await app.as('ben').run('{ viewer { cursor } }')) as {
    viewer: { cursor: string };
  };
  const bodies = ['one', 'two', 'three'];
  for (const body of bodies) await send(app.as('ann'), threadId, body);
  const [locker, canceller] = await Promise.all([connect(), connect()]);
  await locker.query('BEGIN; LOCK TABLE messages IN ACCESS EXCLUSIVE MODE');
  const watch = (await app.socket('ben')).start(
    'subscription ($after: String) { messageAdded(after: $after) { message { body } } }',
    { after: viewer.cursor },
  );
  // What waits for the table fails, as in an outage.
  let failed = 0;
  await until(async () => {
    const { rowCount } = await canceller.query(
      `SELECT pg_cancel_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    failed += rowCount ?? 0;
    return failed >= 2;
  }, 'the load of the events has failed twice');
  expect(watch.pending).toEqual([]);
  await locker.query('COMMIT');
  await Promise.all([locker.end(), canceller.end()]);
  const events = (await watch.take(3)) as { messageAdded: { message: { body: string } } }[];
  expect(events.map(({ messageAdded }) => messageAdded.message.body)).toEqual(bodies);
});
