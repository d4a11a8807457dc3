import type { Measurement, Metric } from './measurement.js';
import type { SystemName } from './systems.js';

/** What is to be reached, by the median. Without `against` it is the value itself, else the ratio of parley's to that one's. */
export interface Goal {
  readonly metric: Metric;
  readonly against?: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** Somebody who takes part in a workload. */
export interface Contestant {
  readonly name: string;
  /** Its server, which must run before the first round; undefined where every run starts its own. */
  readonly system: SystemName | undefined;
  run(warmUp: number, seconds: number): Promise<Measurement>;
}

export interface Workload {
  readonly id: string;
  readonly title: string;
  readonly metrics: readonly Metric[];
  /** Whether it writes, so that the databases are tidied before each run. */
  readonly writes: boolean;
  /** How long a run is at least, whatever was asked for, where shorter ones say too little; 0 unless told. */
  readonly leastSeconds?: number;
  /** The first one is who the goals are about. */
  readonly contestants: readonly Contestant[];
  readonly goals: readonly Goal[];
}
