import { happen, schedule } from './faults.js';
import type { Mistakes } from './people.js';
import { People } from './people.js';
import { Random, sleep } from './random.js';
import type { Findings } from './truth.js';
import { examine } from './truth.js';
import { World } from './world.js';

export interface RunOptions {
  readonly seed: number;
  readonly messages: number;
  readonly faults: number;
  /** Milliseconds from a fault to the next, on average. */
  readonly gap: number;
  /** Kinds of faults. */
  readonly only: RegExp;
  /** How long devices may take to catch up before they are given up. */
  readonly patience: number;
  readonly mistakes: Mistakes;
  /** Settings of PostgreSQL. */
  readonly settings: Readonly<Record<string, string>>;
}

export interface RunReport extends Findings {
  readonly acknowledged: number;
  readonly delivered: number;
  readonly faults: number;
  readonly connects: number;
  readonly retries: ReadonlyMap<string, number>;
  readonly seconds: number;
  /** From the end of the last fault until every device has what was acknowledged by then; null when it never did. */
  readonly settledAfterFault: number | null;
  /** From the last acknowledgement until every device has everything. */
  readonly settledAfterSend: number | null;
}

/** Lets people write and read while things go wrong, and examines what came of it. */
export async function run(
  { seed, messages, faults, gap, only, patience, mistakes, settings }: RunOptions,
  say: (line: string) => void,
): Promise<RunReport> {
  const random = new Random(seed);
  const world = await World.start(settings);
  let people: People | undefined;
  try {
    people = await People.gather(world, new Random(seed + 1), mistakes);
    // The tables and the threads are there whatever happens; it is messages that may be lost.
    await world.postgres.query('parley', 'CHECKPOINT');
    const startedAt = performance.now();
    people.live();
    const writing = people.write(messages, faults * gap * 1.8);
    const overAt = await happen(schedule(world, faults, only, random), random, gap, say);
    people.behave();
    const settledAfterFault = await settle(people, overAt, patience);
    await writing;
    const writtenAt = performance.now();
    const settledAfterSend = await settle(people, writtenAt, patience);
    await people.atRest();
    // The receipts of the last reads are on their way too.
    await sleep(2_000);
    const findings = await examine(world, people);
    people.refusals.forEach(say);
    if (people.refusals.length > 0) for (const { node } of world.stations) node.output.forEach(say);
    return {
      ...findings,
      acknowledged: people.acknowledged.length,
      delivered: people.witnesses.reduce((sum, { seen }) => sum + seen.length, 0),
      faults,
      connects: people.witnesses.reduce((sum, { device }) => sum + device.connects, 0),
      retries: people.retries,
      seconds: (performance.now() - startedAt) / 1_000,
      settledAfterFault,
      settledAfterSend,
    };
  } finally {
    people?.leave();
    await world.stop();
  }
}

/** Waits until every device has what has been acknowledged by now. @returns how long after `since` that was */
async function settle(people: People, since: number, patience: number): Promise<number | null> {
  const acknowledged = [...people.acknowledged];
  const wanted = people.people.flatMap(({ threadIds, witnesses }) => {
    const ids = acknowledged
      .filter(({ threadId }) => threadIds.includes(threadId))
      .map(({ id }) => id);
    return witnesses.map(({ ids: had }) => ({ had, ids }));
  });
  while (performance.now() < since + patience) {
    if (wanted.every(({ had, ids }) => ids.every((id) => had.has(id))))
      return performance.now() - since;
    await sleep(20);
  }
  return null;
}
