import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { Redis } from 'ioredis';
import type { BusEvent } from '../src/events/events.js';
import { RedisEventBus } from '../src/events/redis-event-bus.js';
import { RedisConnection } from '../src/redis/redis-connection.js';
import { mayUseRedis, RedisServer } from './faults/redis-server.js';
import { until } from './support/app.js';

const SLOTS = 16_384;
const onMachine = mayUseRedis ? describe : describe.skip;
const needed = mayUseRedis ? '' : ' (needs a redis-server: PARLEY_REDIS_SERVER)';

const people = Array.from({ length: 30 }, (_, n) => `person-${n}`);

onMachine(`the event bus on a Redis cluster${needed}`, () => {
  const shards: RedisServer[] = [];
  const connections: RedisConnection[] = [];
  const buses: RedisEventBus[] = [];
  let here: RedisEventBus;
  let there: RedisEventBus;

  beforeAll(async () => {
    Logger.overrideLogger(false);
    for (let n = 0; n < 3; n++)
      shards.push(
        await RedisServer.start(
          '--cluster-enabled',
          'yes',
          '--cluster-config-file',
          'nodes.conf',
          '--cluster-require-full-coverage',
          'no',
        ),
      );
    for (const [index, shard] of shards.entries())
      await shard.ask(async (client) => {
        const [from, to] = [index, index + 1].map((n) => Math.floor((n * SLOTS) / 3));
        await client.call('CLUSTER', 'ADDSLOTSRANGE', from!, to! - 1);
      });
    for (const shard of shards) await until(() => shard.ask(isComplete), 'the cluster is complete');
    connections.push(...shards.slice(0, 2).map(({ url }) => new RedisConnection(url)));
    buses.push(...connections.map((connection) => new RedisEventBus(connection, 'c')));
    [here, there] = buses as [RedisEventBus, RedisEventBus];
    await until(
      () => connections.every((connection) => connection.commands !== null),
      'both nodes are connected',
    );
  }, 60_000);

  afterAll(async () => {
    for (const bus of buses) bus.close();
    for (const connection of connections) connection.close();
    for (const shard of shards) await shard.remove();
    Logger.overrideLogger(['fatal']);
  });

  /** Asks it to meet all others as long as it does not know them: a handshake that is lost is not repeated by itself. */
  async function isComplete(client: Redis): Promise<boolean> {
    const info = (await client.call('CLUSTER', 'INFO')) as string;
    if (/cluster_state:ok/.test(info) && /cluster_known_nodes:3/.test(info)) return true;
    for (const { port } of shards)
      if (port !== client.options.port) await client.call('CLUSTER', 'MEET', '127.0.0.1', port);
    return false;
  }

  const heardBy = (bus: RedisEventBus): Set<string> => {
    const heard = new Set<string>();
    bus.listen((event: BusEvent) => {
      if (event.type === 'inboxGrew') heard.add(event.userId);
    });
    return heard;
  };

  it('brings every person’s hints over the shard of that person', async () => {
    const followed = new Set<string>();
    for (const userId of people) there.follow(userId, () => followed.add(userId));
    await until(() => followed.size === people.length, 'everybody is followed');
    const channels = await Promise.all(
      shards.map((shard) =>
        shard.ask(
          async (client) =>
            (await client.call('PUBSUB', 'SHARDCHANNELS', 'c:person:*')) as string[],
        ),
      ),
    );
    expect(channels.every((list) => list.length > 0)).toBe(true);
    expect(channels.flat()).toHaveLength(people.length);
    const heard = heardBy(there);
    for (const userId of people) here.publish({ type: 'inboxGrew', userId, position: 1 });
    await until(() => heard.size === people.length, 'everybody’s hint arrives');
  });

  it('goes on after a shard was killed and has come back', async () => {
    const [, second] = shards;
    await second!.kill();
    await second!.start();
    const heard = heardBy(there);
    let position = 1;
    await until(
      () => {
        position += 1;
        for (const userId of people) here.publish({ type: 'inboxGrew', userId, position });
        return heard.size === people.length;
      },
      'everybody’s hint arrives',
      25_000,
    );
  });
});
