import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { NodeRedis } from '../src/redis/redis.module.js';
import type { TestApp } from './support/app.js';
import { startApp, until } from './support/app.js';
import type { TestDatabase } from './support/database.js';
import { createDatabase } from './support/database.js';
import { openThread } from './support/seeds.js';
import { mayUseRedis, RedisServer } from './faults/redis-server.js';

const BURST = 5;
const OVER = 10;
const limits = { SEND_RATE_PER_SECOND: '1', SEND_BURST: String(BURST) };
const SEND = `mutation ($input: SendMessageInput!) {
  sendMessage(input: $input) { message { sequence } } }`;

interface Refusal {
  readonly code: string;
  readonly retryAfterMs?: number;
}

interface Overdraft {
  readonly refusals: readonly Refusal[];
  /** A token flows in each second, so that this depends on how long the sends took; and never more than OVER. */
  readonly fewest: number;
}

/** Sends at once what so many full buckets hold, and OVER more. */
async function overdraw(
  apps: readonly TestApp[],
  userId: string,
  threadId: string,
  buckets: number,
): Promise<Overdraft> {
  const startedAt = performance.now();
  const refusals = await burst(apps, userId, threadId, buckets * BURST + OVER);
  const flowedIn = buckets * Math.floor((performance.now() - startedAt) / 1_000);
  expect(refusals.length).toBeLessThanOrEqual(OVER);
  return { refusals, fewest: OVER - flowedIn };
}

/** Sends so often at once, and gives the refusals. */
async function burst(
  apps: readonly TestApp[],
  userId: string,
  threadId: string,
  count: number,
): Promise<Refusal[]> {
  const answers = await Promise.all(
    Array.from({ length: count }, (_, index) =>
      apps[index % apps.length]!.as(userId).send(SEND, {
        input: { threadId, body: 'Hello', clientMessageId: randomUUID() },
      }),
    ),
  );
  return answers.flatMap(({ errors }) => (errors ?? []).map(({ extensions }) => extensions));
}

describe('the limit of sends', () => {
  let app: TestApp;
  let threadId: string;
  afterEach(() => app.stop());

  it('lets a burst pass, refuses the rest and says when to try again', async () => {
    app = await startApp(limits);
    threadId = (await openThread(app)).id;
    const { refusals, fewest } = await overdraw([app], 'ann', threadId, 1);
    expect(refusals.length).toBeGreaterThanOrEqual(fewest);
    for (const { code, retryAfterMs } of refusals) {
      expect(code).toBe('RATE_LIMITED');
      expect(retryAfterMs).toBeGreaterThan(0);
      expect(retryAfterMs).toBeLessThanOrEqual(1_000);
    }
    expect(await burst([app], 'ben', threadId, BURST)).toEqual([]);
    // Nobody else takes what flows in meanwhile.
    let refusal: Refusal | undefined;
    while (refusal === undefined) [refusal] = await burst([app], 'ann', threadId, 1);
    await new Promise((resolve) => setTimeout(resolve, refusal.retryAfterMs));
    expect(await burst([app], 'ann', threadId, 1)).toEqual([]);
  });

  it('is off unless asked for', async () => {
    app = await startApp();
    threadId = (await openThread(app)).id;
    expect(await burst([app], 'ann', threadId, 150)).toEqual([]);
  });
});

const onMachine = mayUseRedis ? describe : describe.skip;
const needed = mayUseRedis ? '' : ' (needs a redis-server: PARLEY_REDIS_SERVER)';

onMachine(`the limit of sends over two nodes${needed}`, () => {
  let redis: RedisServer;
  let database: TestDatabase;
  let apps: TestApp[];
  let threadId: string;
  beforeAll(async () => {
    redis = await RedisServer.start();
    database = await createDatabase();
    const environment = { ...limits, REDIS_URL: redis.url };
    apps = [await startApp(environment, database), await startApp(environment, database)];
    threadId = (await openThread(apps[0]!)).id;
    await connected();
  });
  afterAll(async () => {
    redis.signal('SIGCONT');
    for (const app of apps) await app.stop();
    await database.drop();
    await redis.remove();
  });

  const connected = (): Promise<void> =>
    until(
      () => apps.every((app) => app.get(NodeRedis).connection?.commands != null),
      'both nodes have Redis',
    );

  it('counts what a person sends on both', async () => {
    // On a busy machine Redis may be too slow once, and is then done without for a while.
    let people = 0;
    await until(
      async () => {
        const tourist = `ann-${(people += 1)}`;
        const { id } = await openThread(apps[0]!, { tourist });
        const { refusals, fewest } = await overdraw(apps, tourist, id, 1);
        return refusals.length >= fewest;
      },
      'both nodes take from one bucket',
      30_000,
    );
  });

  it('is each node’s own while Redis stands still, and does not wait for it', async () => {
    redis.signal('SIGSTOP');
    // All are answered before Redis goes on.
    const { refusals, fewest } = await overdraw(apps, 'ben', threadId, 2);
    expect(refusals.length).toBeGreaterThanOrEqual(fewest);
    redis.signal('SIGCONT');
    await connected();
  });

  it('is each node’s own while Redis is away', async () => {
    await redis.kill();
    const { id } = await openThread(apps[0]!, { tourist: 'cleo' });
    const { refusals, fewest } = await overdraw(apps, 'cleo', id, 2);
    expect(refusals.length).toBeGreaterThanOrEqual(fewest);
    await redis.start();
    await connected();
  });
});
