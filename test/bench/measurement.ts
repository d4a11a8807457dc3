/** What can be measured of a run, and in what. */
export const METRICS = {
  rate: { unit: '/s', says: 'rate' },
  p50: { unit: ' ms', says: 'median' },
  p99: { unit: ' ms', says: 'p99' },
  server: { unit: ' µs', says: 'processor time of the server per operation' },
  database: { unit: ' µs', says: 'processor time of PostgreSQL per operation' },
  rss: { unit: ' KB', says: 'memory a socket' },
  heap: { unit: ' KB', says: 'heap a socket' },
  time: { unit: ' ms', says: 'time' },
} as const;

export type Metric = keyof typeof METRICS;

/** What came of one run. */
export interface Measurement {
  readonly values: Readonly<Partial<Record<Metric, number>>>;
  readonly operations: number;
  /** Whatever was not as it must be, in words; empty in a run that counts. */
  readonly wrong: readonly string[];
}

/** Names what is not zero. */
export const wrongs = (counts: Readonly<Record<string, number>>): string[] =>
  Object.entries(counts)
    .filter(([, count]) => count !== 0)
    .map(([what, count]) => `${count} ${what}`);
