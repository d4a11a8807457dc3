import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { NodeRedis } from '../src/redis/redis.module.js';
import { verify } from '../src/verify/verify.js';
import type { TestApp } from './support/app.js';
import { startApp, until } from './support/app.js';
import type { TestDatabase } from './support/database.js';
import { createDatabase } from './support/database.js';
import { openThread, send } from './support/seeds.js';
import { mayUseRedis, RedisServer } from './faults/redis-server.js';

const onMachine = mayUseRedis ? describe : describe.skip;
const needed = mayUseRedis ? '' : ' (needs a redis-server: PARLEY_REDIS_SERVER)';

onMachine(`two nodes with a Redis${needed}`, () => {
  let redis: RedisServer;
  let database: TestDatabase;
  let here: TestApp;
  let there: TestApp;
  let threadId: string;
  let environment: Record<string, string>;

  const connected = (): Promise<void> =>
    until(
      () => [here, there].every((app) => app.get(NodeRedis).connection?.commands != null),
      'both nodes have Redis',
    );

  /** Waits until a node shows Ben that Ann is online, or is not. */
  const untilAnnIs = (isOnline: boolean, node: TestApp): Promise<void> =>
    until(
      async () => {
        const { thread } = await node
          .as('ben')
          .run('query ($id: ID!) { thread(id: $id) { tourist { id isOnline } } }', {
            id: threadId,
          });
        expect(thread.tourist.id).toBe('ann');
        return thread.tourist.isOnline === isOnline;
      },
      `Ann is ${isOnline ? 'online' : 'offline'}`,
    );

  beforeAll(async () => {
    redis = await RedisServer.start();
    database = await createDatabase();
    environment = {
      REDIS_URL: redis.url,
      // No sweep and no heartbeat comes to help within a test.
      INBOX_SWEEP_MS: '60000',
      PRESENCE_HEARTBEAT_MS: '300000',
      PRESENCE_GRACE_MS: '0',
    };
    here = await startApp(environment, database);
    there = await startApp(environment, database);
    threadId = (await openThread(here)).id;
    await connected();
  });
  afterAll(async () => {
    await here.stop();
    await there.stop();
    await database.drop();
    await redis.remove();
  });

  it('brings a message of one node to a socket of the other', async () => {
    const inbox = (await there.socket('ben')).start(
      'subscription { inboxEvents { __typename ... on MessageAdded { message { id } } } }',
    );
    await inbox.next();
    const { id } = await send(here.as('ann'), threadId);
    expect(await inbox.next()).toEqual({
      inboxEvents: { __typename: 'MessageAdded', message: { id } },
    });
  });

  it('brings typing of one node to a socket of the other', async () => {
    const typing = (await there.socket('ben')).start(
      'subscription ($id: ID!) { typingChanged(threadId: $id) { users { id } } }',
      { id: threadId },
    );
    const seen: string[][] = [];
    await until(async () => {
      await here
        .as('ann')
        .run(
          'mutation ($id: ID!) { setTyping(input: { threadId: $id, isTyping: true }) { threadId } }',
          { id: threadId },
        );
      seen.push(
        ...typing.pending.map(({ payload }) =>
          (
            payload as { data: { typingChanged: { users: { id: string }[] } } }
          ).data.typingChanged.users.map(({ id }) => id),
        ),
      );
      return seen.some((users) => users.includes('ann'));
    }, 'Ben sees Ann typing');
  });

  it('tells a node that starts later who is online', async () => {
    const socket = await here.socket('ann');
    const late = await startApp(environment, database);
    try {
      await untilAnnIs(true, late);
    } finally {
      await socket.close();
      await late.stop();
    }
  });

  it('tells who came while Redis was away, once it is there again', async () => {
    await untilAnnIs(false, there);
    await redis.kill();
    const socket = await here.socket('ann');
    await redis.start();
    await connected();
    await untilAnnIs(true, there);
    await socket.close();
  });

  it('has a delivery report without a fault, also when connections are cut', async () => {
    const report = await verify({
      url: `${here.url}/graphql`,
      token: await here.token('tess'),
      threadId: null,
      clients: 5,
      messages: 100,
      perSecond: 100,
      cuts: 10,
    });
    expect(report).toMatchObject({
      acknowledged: 100,
      deliveries: 500,
      lost: 0,
      doubled: 0,
      reordered: 0,
      phantom: 0,
    });
    expect(report.cuts).toBeGreaterThan(3);
    expect(report.p99).toBeGreaterThan(0);
  });
});
