import type { Measurement, Metric } from '../measurement.js';
import { type Spread, spreadOf } from '../statistics.js';
import type { Goal } from '../workload.js';

export interface RunResult extends Measurement {
  /** The share of the machine that other programs took. */
  readonly others: number;
}

export interface ContestantResult {
  readonly name: string;
  /** One a round. */
  readonly runs: readonly RunResult[];
}

export interface WorkloadResult {
  readonly id: string;
  readonly title: string;
  readonly metrics: readonly Metric[];
  readonly goals: readonly Goal[];
  readonly seconds: number;
  readonly contestants: readonly ContestantResult[];
}

export interface Machine {
  readonly processor: string;
  readonly processors: number;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
  readonly postgresql: string;
}

/** All that one benchmark has found; what latest.json holds. */
export interface Results {
  readonly date: string;
  readonly command: string;
  readonly rounds: number;
  readonly notifier: boolean;
  readonly machine: Machine;
  /** What was wrong. */
  readonly problems: readonly string[];
  /** Whether the runs were long enough to say how fast anything is. */
  readonly judges: boolean;
  readonly workloads: readonly WorkloadResult[];
}

export interface JudgedGoal {
  readonly goal: Goal;
  /** What the goal is about: a ratio, or the value itself. Undefined where nobody measured it. */
  readonly found: Spread | undefined;
  readonly isReached: boolean | undefined;
}

const valuesOf = (contestant: ContestantResult | undefined, metric: Metric): number[] =>
  (contestant?.runs ?? []).map(({ values }) => values[metric] ?? NaN);

export const spreadOfMetric = (contestant: ContestantResult, metric: Metric): Spread =>
  spreadOf(valuesOf(contestant, metric));

/** The first contestant's values divided by another's, round by round. */
export function ratiosTo(
  { contestants }: WorkloadResult,
  other: string,
  metric: Metric,
): Spread | undefined {
  const theirs = contestants.find(({ name }) => name === other);
  if (theirs === undefined) return undefined;
  const divisors = valuesOf(theirs, metric);
  const ratios = valuesOf(contestants[0], metric).map((value, round) => value / divisors[round]!);
  const spread = spreadOf(ratios);
  return Number.isNaN(spread.median) ? undefined : spread;
}

export function judge(workload: WorkloadResult, goal: Goal): JudgedGoal {
  const { metric, against, atLeast = -Infinity, atMost = Infinity } = goal;
  const found =
    against === undefined
      ? spreadOf(valuesOf(workload.contestants[0], metric))
      : ratiosTo(workload, against, metric);
  const isReached = found && found.median >= atLeast && found.median <= atMost;
  return { goal, found, isReached };
}

/** A contestant's share in a workload, by one metric: a line of the table. */
export interface Line {
  readonly workload: WorkloadResult;
  readonly metric: Metric;
  readonly contestant: ContestantResult;
  readonly measured: Spread;
  /** Parley's divided by this one's; undefined for parley itself. */
  readonly ratio: Spread | undefined;
  readonly judged: JudgedGoal | undefined;
}

/** Every line, in the order of the workloads. */
export const linesOf = ({ workloads }: Results): Line[] =>
  workloads.flatMap((workload) =>
    workload.metrics.flatMap((metric) =>
      workload.contestants.flatMap((contestant, place) => {
        const measured = spreadOfMetric(contestant, metric);
        if (Number.isNaN(measured.median)) return [];
        const against = place === 0 ? undefined : contestant.name;
        const goal = workload.goals.find(
          (each) => each.metric === metric && each.against === against,
        );
        return [
          {
            workload,
            metric,
            contestant,
            measured,
            ratio: against === undefined ? undefined : ratiosTo(workload, against, metric),
            judged: goal && judge(workload, goal),
          },
        ];
      }),
    ),
  );
