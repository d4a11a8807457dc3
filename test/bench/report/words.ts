import { type Metric, METRICS } from '../measurement.js';
import type { Spread } from '../statistics.js';
import type { Goal } from '../workload.js';
import type { JudgedGoal } from './results.js';

/** As many digits as mean something. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(size >= 10 ? 1 : 2);
}

const range = ({ least, most }: Spread): string => `[${number(least)}–${number(most)}]`;

export const measuredIn = (spread: Spread, metric: Metric): string =>
  `${number(spread.median)}${METRICS[metric].unit} ${range(spread)}`;

export const ratio = (spread: Spread | undefined): string =>
  spread === undefined ? '' : `${number(spread.median)} × ${range(spread)}`;

export function goal({ against, metric, atLeast, atMost }: Goal): string {
  const unit = against === undefined ? METRICS[metric].unit : ' ×';
  return atLeast === undefined ? `≤ ${atMost ?? ''}${unit}` : `≥ ${atLeast}${unit}`;
}

export function outcome({ isReached }: JudgedGoal): string {
  if (isReached === undefined) return 'not measured';
  return isReached ? 'reached' : 'missed';
}
