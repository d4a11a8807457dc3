import type { Random } from './random.js';
import { sleep } from './random.js';
import type { Station, World } from './world.js';

/** Something that goes wrong, and is over when the promise is. */
export interface Fault {
  readonly name: string;
  /** Two faults of one target do not overlap. */
  readonly target: string;
  run(): Promise<void>;
}

/** @param amount from 0 to 1: how long it lasts, within its bounds */
type Kind = (world: World, station: Station, amount: number) => Fault;

/** Every other connection. */
const half = (): (() => boolean) => {
  let chosen = false;
  return () => (chosen = !chosen);
};

const kinds: readonly Kind[] = [
  (_, { node }) => ({
    name: `kill -9 of the ${node.name} node`,
    target: node.name,
    run: async () => {
      node.signal('SIGKILL');
      await sleep(50);
      await node.ready();
    },
  }),
  (_, { node }, amount) => ({
    name: `SIGSTOP of the ${node.name} node`,
    target: node.name,
    run: () => pause((signal) => node.signal(signal), 300 + amount * 3_000),
  }),
  ({ postgres }, _, amount) => ({
    name: 'kill -9 of PostgreSQL',
    target: 'postgres',
    run: async () => {
      await postgres.kill();
      await sleep(amount * 500);
      await postgres.start();
    },
  }),
  ({ postgres }, _, amount) => ({
    name: 'SIGSTOP of PostgreSQL',
    target: 'postgres',
    run: () => pause((signal) => postgres.signal(signal), 300 + amount * 2_000),
  }),
  ({ postgres }) => ({
    name: 'terminated backends',
    target: 'postgres',
    run: async () => {
      await postgres.query(
        'parley',
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name LIKE 'parley%' AND pid <> pg_backend_pid()`,
      );
    },
  }),
  (_, { node, database }) => ({
    name: `reset connections of the ${node.name} node to PostgreSQL`,
    target: `${node.name} to postgres`,
    run: async () => {
      database.reset(half());
      await sleep(0);
    },
  }),
  ({ redis }, _, amount) => ({
    name: 'kill -9 of Redis',
    target: 'redis',
    run: async () => {
      await redis.kill();
      await sleep(amount * 2_000);
      await redis.start();
    },
  }),
  ({ redis }, _, amount) => ({
    name: 'SIGSTOP of Redis',
    target: 'redis',
    run: () => pause((signal) => redis.signal(signal), 300 + amount * 3_000),
  }),
  ({ redis }) => ({
    name: 'flushed Redis without connections',
    target: 'redis',
    run: () =>
      redis.ask(async (client) => {
        await client.flushall();
        for (const type of ['pubsub', 'normal'])
          await client.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
      }),
  }),
  (_, { node, redis }, amount) => ({
    name: `stalled line of the ${node.name} node to Redis`,
    target: `${node.name} to redis`,
    run: async () => {
      redis.stall();
      await sleep(300 + amount * 3_000);
      redis.flow();
    },
  }),
  (_, { node, clients }) => ({
    name: `reset connections of clients of the ${node.name} node`,
    target: `clients of ${node.name}`,
    run: async () => {
      clients.reset(half());
      await sleep(0);
    },
  }),
  (_, { node, clients }) => ({
    name: `cut connections of clients of the ${node.name} node`,
    target: `clients of ${node.name}`,
    run: async () => {
      clients.cut(() => true);
      await sleep(100);
    },
  }),
  (_, { node, clients }, amount) => ({
    name: `stalled connections of clients of the ${node.name} node`,
    target: `clients of ${node.name}`,
    run: async () => {
      clients.stall();
      await sleep(300 + amount * 3_000);
      clients.flow();
    },
  }),
];

async function pause(signal: (signal: 'SIGSTOP' | 'SIGCONT') => void, ms: number): Promise<void> {
  signal('SIGSTOP');
  await sleep(ms);
  signal('SIGCONT');
}

/**
 * Every kind in turn, in an order and with a node that the seed decides.
 * @param only of those whose names match
 */
export function schedule(world: World, count: number, only: RegExp, random: Random): Fault[] {
  const faults: Fault[] = [];
  let left: Kind[] = [];
  while (faults.length < count) {
    if (left.length === 0) left = [...kinds];
    const kind = random.pick(left);
    left.splice(left.indexOf(kind), 1);
    const fault = kind(world, random.pick(world.stations), random.next());
    if (only.test(fault.name)) faults.push(fault);
  }
  return faults;
}

/** Lets them happen, a moment apart and now and then two at a time. @returns when the last one was over */
export async function happen(
  faults: readonly Fault[],
  random: Random,
  gap: number,
  say: (line: string) => void,
): Promise<number> {
  const running = new Map<string, Promise<void>>();
  for (const [index, fault] of faults.entries()) {
    await sleep(random.between(0.5 * gap, 1.5 * gap));
    await running.get(fault.target);
    while (running.size > 1) await Promise.race(running.values());
    say(`${index + 1}. ${fault.name}`);
    const run = fault.run().finally(() => running.delete(fault.target));
    running.set(fault.target, run);
    if (random.next() < 0.7) await run;
  }
  await Promise.all(running.values());
  return performance.now();
}
