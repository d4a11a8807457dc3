import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { EventBus } from '../src/events/event-bus.js';
import type { BusEvent } from '../src/events/events.js';
import { MemoryEventBus } from '../src/events/memory-event-bus.js';
import { RedisEventBus } from '../src/events/redis-event-bus.js';
import { RedisConnection } from '../src/redis/redis-connection.js';
import { mayUseRedis, RedisServer } from './faults/redis-server.js';
import { until } from './support/app.js';

const grew = (userId: string, position: number): BusEvent => ({
  type: 'inboxGrew',
  userId,
  position,
});
const typing: BusEvent = { type: 'typingSignalled', threadId: 't', userId: 'ann', leftMs: 1 };
const present: BusEvent = { type: 'presenceReported', nodeId: 'n', userId: 'ann', sockets: 2 };

/** What a node hears, kept until it is asked for. */
function record(bus: EventBus): BusEvent[] {
  const heard: BusEvent[] = [];
  bus.listen((event) => heard.push(event));
  return heard;
}

/** Two nodes that share what is under test; a single node is both. */
interface World {
  readonly here: EventBus;
  readonly there: EventBus;
  end(): Promise<void>;
}

const memory = (): Promise<World> => {
  const bus = new MemoryEventBus();
  return Promise.resolve({ here: bus, there: bus, end: () => Promise.resolve() });
};

async function onRedis(url: string, prefix = `p${Math.random()}`): Promise<World> {
  const connections = [new RedisConnection(url), new RedisConnection(url)];
  const [here, there] = connections.map((connection) => new RedisEventBus(connection, prefix));
  await until(
    () => connections.every((connection) => connection.commands !== null),
    'both nodes are connected',
  );
  return {
    here: here!,
    there: there!,
    end: () => {
      for (const bus of [here!, there!]) bus.close();
      for (const connection of connections) connection.close();
      return Promise.resolve();
    },
  };
}

/** Follows a person and waits until it counts; in one process it counts at once. */
async function follow(bus: EventBus, userId: string): Promise<() => void> {
  let begun = bus instanceof MemoryEventBus;
  const unfollow = bus.follow(userId, () => (begun = true));
  await until(() => begun, 'the following begins');
  return unfollow;
}

function contract(start: () => Promise<World>): void {
  let world: World;
  beforeAll(() => Logger.overrideLogger(false));
  afterAll(() => Logger.overrideLogger(['fatal']));
  afterEach(() => world.end());

  it('carries every kind of event to every node, the publishing one included', async () => {
    world = await start();
    await follow(world.there, 'ann');
    const [here, there] = [record(world.here), record(world.there)];
    for (const event of [grew('ann', 7), typing, present]) world.here.publish(event);
    for (const heard of [here, there]) {
      await until(() => heard.length >= 3, 'all three arrive');
      expect(heard).toEqual(expect.arrayContaining([grew('ann', 7), typing, present]));
    }
  });

  it('returns from publish before anybody hears', async () => {
    world = await start();
    const heard = record(world.here);
    world.here.publish(typing);
    expect(heard).toEqual([]);
    await until(() => heard.length === 1, 'it arrives');
  });

  it('tells a listener that has ended nothing more, and the others as before', async () => {
    world = await start();
    const ended: BusEvent[] = [];
    world.here.listen((event) => ended.push(event))();
    const heard = record(world.here);
    world.here.publish(typing);
    await until(() => heard.length === 1, 'it arrives');
    expect(ended).toEqual([]);
  });

  it('lets no listener that throws harm another one', async () => {
    world = await start();
    world.here.listen(() => {
      throw new Error('a fault of the listener');
    });
    const heard = record(world.here);
    world.here.publish(typing);
    world.here.publish(present);
    await until(() => heard.length === 2, 'both arrive');
  });

  it('brings the newest position of a burst', async () => {
    world = await start();
    await follow(world.there, 'ann');
    const heard = record(world.there);
    for (let position = 1; position <= 2_000; position++) world.here.publish(grew('ann', position));
    await until(
      () => heard.some((event) => event.type === 'inboxGrew' && event.position === 2_000),
      'the last one arrives',
    );
  });

  it('ends one following of a person and keeps the other', async () => {
    world = await start();
    const first = await follow(world.there, 'ann');
    await follow(world.there, 'ann');
    first();
    first();
    const heard = record(world.there);
    world.here.publish(grew('ann', 1));
    await until(() => heard.length > 0, 'it arrives');
  });
}

describe('the event bus of one node', () => {
  contract(memory);
});

const onMachine = mayUseRedis ? describe : describe.skip;
const needed = mayUseRedis ? '' : ' (needs a redis-server: PARLEY_REDIS_SERVER)';

onMachine(`the event bus on Redis${needed}`, () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await RedisServer.start();
  });
  afterAll(() => redis.remove());

  contract(() => onRedis(redis.url));

  describe('beyond the contract', () => {
    let world: World;
    beforeAll(() => Logger.overrideLogger(false));
    afterAll(() => Logger.overrideLogger(['fatal']));
    afterEach(async () => {
      await world.end();
      redis.signal('SIGCONT');
    });

    /** Publishes until the other node hears: what is lost meanwhile is lost. */
    const reaches = async (from: EventBus, to: EventBus, userId: string): Promise<void> => {
      const heard = record(to);
      let position = 0;
      await until(() => {
        from.publish(grew(userId, ++position));
        return heard.some((event) => event.type === 'inboxGrew' && event.userId === userId);
      }, 'a hint reaches the other node');
    };

    it('spares a node the journals of people who are not followed there', async () => {
      world = await onRedis(redis.url);
      await follow(world.there, 'ann');
      (await follow(world.there, 'ben'))();
      await until(
        async () =>
          (await redis.ask((client) => client.pubsub('CHANNELS', '*:person:ben'))).length === 0,
        'nobody follows Ben',
      );
      const heard = record(world.there);
      for (const userId of ['ben', 'cleo', 'ann']) world.here.publish(grew(userId, 1));
      await until(() => heard.length > 0, 'the hint about Ann arrives');
      expect(heard).toEqual([grew('ann', 1)]);
    });

    it('keeps installations with other prefixes apart', async () => {
      world = await onRedis(redis.url, 'one');
      const other = await onRedis(redis.url, 'other');
      await follow(other.there, 'ann');
      const heard = record(other.there);
      world.here.publish(grew('ann', 1));
      other.here.publish(typing);
      await until(() => heard.length > 0, 'the own event arrives');
      expect(heard).toEqual([typing]);
      await other.end();
    });

    it('ignores what is not an event', async () => {
      world = await onRedis(redis.url, 'parley-of-this-test');
      await follow(world.there, 'ann');
      const heard = record(world.there);
      await redis.ask(async (client) => {
        for (const text of ['', '{', '[]', '[1,2]', '["n",{"type":"inboxGrew","position":"x"}]'])
          await client.publish('parley-of-this-test:all', text);
      });
      world.here.publish(typing);
      await until(() => heard.length > 0, 'the event arrives');
      expect(heard).toEqual([typing]);
    });

    it('goes on by itself after a restart, and says that something may have been missed', async () => {
      world = await onRedis(redis.url);
      let gaps = 0;
      world.there.follow('ann', () => gaps++);
      await until(() => gaps === 1, 'the following begins');
      await redis.kill();
      const heard = record(world.here);
      for (let position = 1; position <= 100; position++) world.here.publish(grew('ann', position));
      await until(() => heard.length === 100, 'this node hears without Redis');
      await redis.start();
      await until(() => gaps >= 2, 'the following begins again');
      await reaches(world.here, world.there, 'ann');
    });

    it('goes on after its connections are killed and everything is flushed', async () => {
      world = await onRedis(redis.url);
      await follow(world.there, 'ann');
      await redis.ask(async (client) => {
        await client.flushall();
        await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
        await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      });
      await reaches(world.here, world.there, 'ann');
    });

    it('neither waits nor grows while Redis stands still', async () => {
      world = await onRedis(redis.url);
      await follow(world.there, 'ann');
      const heard = record(world.here);
      redis.signal('SIGSTOP');
      for (let n = 0; n < 50_000; n++) world.here.publish(grew(`person-${n}`, n));
      expect((world.here as RedisEventBus).waiting).toBeLessThanOrEqual(10_000);
      await until(() => heard.length === 50_000, 'this node hears all of it without Redis');
      await until(() => (world.here as RedisEventBus).waiting === 0, 'it has given up');
      redis.signal('SIGCONT');
      await reaches(world.here, world.there, 'ann');
    });

    it('starts while Redis is away', async () => {
      await redis.kill();
      const connection = new RedisConnection(redis.url);
      const bus = new RedisEventBus(connection, 'late');
      const heard = record(bus);
      bus.publish(typing);
      await until(() => heard.length === 1, 'this node hears without Redis');
      await redis.start();
      world = await onRedis(redis.url, 'late');
      await follow(bus, 'ann');
      await reaches(world.here, bus, 'ann');
      bus.close();
      connection.close();
    });
  });
});
