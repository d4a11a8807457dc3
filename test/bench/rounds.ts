import type { Databases } from './databases.js';
import type { Measurement } from './measurement.js';
import type { Options } from './options.js';
import { OthersWatch, waitForQuiet } from './processor-time.js';
import type { ContestantResult, RunResult, WorkloadResult } from './report/results.js';
import type { Contestant, Workload } from './workload.js';

/** A run during which other programs took more of the machine than this is done again. */
const DISTURBED = 0.08;

interface Bench {
  readonly databases: Databases;
  readonly options: Options;
  /** Ours, with all that they start: this process, and PostgreSQL's where it is not a child of this one. */
  readonly pids: readonly number[];
  say(line: string): void;
}

/**
 * Each round is a run of every contestant, so that what the machine does in between befalls all of them, in an order of its
 * own.
 */
export async function measure(bench: Bench, workload: Workload): Promise<WorkloadResult> {
  const { id, title, metrics, contestants } = workload;
  const { rounds, firstWarmUp, judges } = bench.options;
  const goals = judges ? workload.goals : [];
  if (firstWarmUp > 0)
    for (const contestant of contestants.filter(({ system }) => system !== undefined)) {
      await tidy(bench, workload);
      // What is wrong before the first round is as wrong as later.
      throwIfWrong(contestant, await contestant.run(0, firstWarmUp));
    }
  const results: (Omit<ContestantResult, 'runs'> & { runs: RunResult[] })[] = contestants.map(
    ({ name }) => ({ name, runs: [] }),
  );
  for (let round = 1; round <= rounds; round++)
    for (const place of orderOf(round, contestants.length)) {
      const contestant = contestants[place]!;
      const run = await leastDisturbed(bench, workload, contestant);
      results[place]!.runs.push(run);
      bench.say(`${id} ${round}/${rounds} ${contestant.name}: ${inShort(run)}`);
    }
  const seconds = secondsOfRun(bench.options, workload);
  return { id, title, metrics, goals, seconds, contestants: results };
}

/**
 * Another one begins each round, and nobody always follows the same one: what a run leaves behind (a server that tidies its
 * memory up, PostgreSQL's and the processors' caches) befalls whoever comes next. After E. J. Williams, "Experimental designs
 * balanced for the estimation of residual effects of treatments" (1949): in as many rounds as there are contestants, or twice as
 * many where their number is odd, each follows each other one equally often.
 * @returns their places
 */
function orderOf(round: number, count: number): number[] {
  // 0, 1, count - 1, 2, count - 2, …
  const order = Array.from({ length: count }, (_, turn) => {
    const from = turn % 2 === 1 ? (turn + 1) / 2 : count - turn / 2;
    return (from + round - 1) % count;
  });
  return count % 2 === 1 && round % 2 === 0 ? order.reverse() : order;
}

/** Runs that are not to say how fast anything is may be short. */
const secondsOfRun = ({ seconds, judges }: Options, { leastSeconds = 0 }: Workload): number =>
  judges ? Math.max(seconds, leastSeconds) : seconds;

async function leastDisturbed(
  bench: Bench,
  workload: Workload,
  contestant: Contestant,
): Promise<RunResult> {
  const { options, pids } = bench;
  let best: RunResult | undefined;
  for (let tries = 0; tries <= options.repeats; tries++) {
    await tidy(bench, workload);
    await waitForQuiet(options.patienceMs);
    const watch = new OthersWatch(pids);
    const measurement = await contestant.run(options.warmUp, secondsOfRun(options, workload));
    const run = { ...measurement, others: watch.share() };
    throwIfWrong(contestant, run);
    if (best === undefined || run.others < best.others) best = run;
    if (best.others <= DISTURBED) break;
  }
  return best!;
}

async function tidy({ databases }: Bench, { writes }: Workload): Promise<void> {
  if (writes) await databases.settle();
}

export class WrongAnswer extends Error {}

function throwIfWrong({ name }: Contestant, { wrong }: Measurement): void {
  if (wrong.length > 0) throw new WrongAnswer(`${name}: ${wrong.join('; ')}`);
}

const inShort = ({ values, others }: RunResult): string =>
  Object.entries(values)
    .map(([metric, value]) => `${metric} ${value.toPrecision(4)}`)
    .concat(others > DISTURBED ? [`others took ${(others * 100).toFixed(0)} %`] : [])
    .join(', ');
