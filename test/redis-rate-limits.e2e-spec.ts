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
const limits = { SEND_RATE_PER_SECOND: '1', SEND_BURST: String(BURST) };
const SEND = `mutation ($input: SendMessageInput!) {
  sendMessage(input: $input) { message { sequence } } }`;

interface Refusal {
  readonly code: string;
  readonly retryAfterMs?: number;
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
    const refusals = await burst([app], 'ann', threadId, BURST + 3);
    expect(refusals.map(({ code }) => code)).toEqual(Array(3).fill('RATE_LIMITED'));
    for (const { retryAfterMs } of refusals) {
      expect(retryAfterMs).toBeGreaterThan(0);
      expect(retryAfterMs).toBeLessThanOrEqual(1_000);
    }
    expect(await burst([app], 'ben', threadId, BURST)).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, refusals[0]!.retryAfterMs));
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
    expect(await burst(apps, 'ann', threadId, 2 * BURST)).toHaveLength(BURST);
  });

  it('is each node’s own while Redis stands still, and does not wait for it', async () => {
    redis.signal('SIGSTOP');
    // All are answered before Redis goes on.
    expect(await burst(apps, 'ben', threadId, 2 * BURST + 4)).toHaveLength(4);
    redis.signal('SIGCONT');
    await connected();
  });

  it('is each node’s own while Redis is away', async () => {
    await redis.kill();
    const { id } = await openThread(apps[0]!, { tourist: 'cleo' });
    expect(await burst(apps, 'cleo', id, 2 * BURST + 4)).toHaveLength(4);
    await redis.start();
    await connected();
  });
});
