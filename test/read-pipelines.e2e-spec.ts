import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { Database } from '../src/database/database.js';
import type { TestApp } from './support/app.js';
import { startApp, until } from './support/app.js';
import { lockWaiters } from './support/lock-waiters.js';
import { openThread, send } from './support/seeds.js';

const PAGE = `query ($threadId: ID!) {
  messages(filter: { threadId: $threadId }) { nodes { body } }
}`;
/** How long a statement may take before others no longer line up behind it. */
const SLOW_MS = 50;

let app: TestApp;
let threadId: string;
/** Somebody else in the database, who can lock a table against all reads. */
let other: Client;

beforeAll(async () => {
  // The notifier would wait for the lock as well.
  app = await startApp({ NOTIFIER: 'false' });
  threadId = (await openThread(app)).id;
  await send(app.as('ann'), threadId, 'Hello');
});
beforeEach(async () => {
  other = new Client({ connectionString: app.databaseUrl });
  await other.connect();
  await other.query('BEGIN; LOCK TABLE messages IN ACCESS EXCLUSIVE MODE');
});
afterEach(() => other.end());
afterAll(() => app.stop());

const unlock = (): Promise<unknown> => other.query('ROLLBACK');

const pageOf = async (sub: string): Promise<string[]> =>
  (await app.as(sub).run(PAGE, { threadId })).messages.nodes.map(({ body }: any) => body);

/** The backends that wait for the lock. */
const waiting = (): Promise<number[]> => lockWaiters(other);

/** A read that waits for the lock; it is prepared under the name, which waits as well. */
const count = (name: string): Promise<object[]> =>
  app.get(Database).readRows(name, 'SELECT count(*) FROM messages', []);

const backendOf = async (): Promise<number> => {
  const [row] = await app
    .get(Database)
    .readRows<{ pid: number }>('backend_of', 'SELECT pg_backend_pid() AS pid', []);
  return row!.pid;
};

describe('reads', () => {
  it('that come at once share connections, sixteen one', async () => {
    const backends = await Promise.all(Array.from({ length: 33 }, backendOf));
    expect(new Set(backends.slice(0, 16)).size).toBe(1);
    expect(new Set(backends.slice(16, 32)).size).toBe(1);
    expect(new Set(backends).size).toBe(3);
  });

  it('that come later pass by one that waits', async () => {
    const held = pageOf('ann');
    await until(async () => (await waiting()).length === 1, 'the page waits for the lock');
    const since = performance.now();
    await until(() => performance.now() - since > 2 * SLOW_MS, 'it has waited for too long');
    const { threads } = await app.as('ann').run('{ threads { nodes { id } } }');
    expect(threads.nodes).toEqual([{ id: threadId }]);
    expect(await waiting()).toHaveLength(1);
    await unlock();
    expect(await held).toEqual(['Hello']);
  });

  it('leave half of the connections to writes, however many wait', async () => {
    const held = Array.from({ length: 200 }, () => count('held'));
    await until(async () => (await waiting()).length === 5, 'half of the pool waits for the lock');
    expect(await app.get(Database).rows('a_write', 'SELECT 1 AS done', [])).toEqual([{ done: 1 }]);
    expect(await waiting()).toHaveLength(5);
    await unlock();
    expect(await Promise.all(held)).toEqual(Array.from(held, () => [{ count: 1 }]));
  });

  it('are all answered when the connection that they share breaks', async () => {
    const held = ['ann', 'ben', 'ann', 'ben', 'ann'].map(pageOf);
    await until(async () => (await waiting()).length > 0, 'pages wait for the lock');
    const broken = await waiting();
    await other.query('SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid', [broken]);
    await until(async () => {
      const backends = await waiting();
      return backends.length > 0 && !backends.some((pid) => broken.includes(pid));
    }, 'others wait in their place');
    await unlock();
    expect(await Promise.all(held)).toEqual(Array.from(held, () => ['Hello']));
  });

  it('are answered when what they were prepared with is cancelled', async () => {
    const held = Promise.allSettled([count('cancelled'), count('cancelled'), count('cancelled')]);
    await until(async () => (await waiting()).length === 1, 'the first waits for the lock');
    await other.query('SELECT pg_cancel_backend($1)', await waiting());
    await until(async () => (await waiting()).length === 1, 'the next one waits');
    await unlock();
    expect(await held).toMatchObject([
      { reason: { code: 'SERVICE_UNAVAILABLE' } },
      { value: [{ count: 1 }] },
      { value: [{ count: 1 }] },
    ]);
  });

  it('do not fail because the one before them does', async () => {
    const read = (divisor: number): Promise<object[]> =>
      app.get(Database).readRows('a_division', 'SELECT 6 / $1::int AS result', [divisor]);
    const outcomes = await Promise.allSettled([read(1), read(0), read(2)]);
    expect(outcomes).toMatchObject([
      { value: [{ result: 6 }] },
      { reason: { code: '22012' } },
      { value: [{ result: 3 }] },
    ]);
  });
});
