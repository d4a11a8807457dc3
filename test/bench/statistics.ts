export interface Spread {
  readonly least: number;
  readonly median: number;
  readonly most: number;
}

const ascending = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

export function spreadOf(values: readonly number[]): Spread {
  const sorted = ascending(values);
  const middle = (sorted.length - 1) / 2;
  const at = (place: number): number => sorted[place] ?? NaN;
  return {
    least: at(0),
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    most: at(sorted.length - 1),
  };
}

/** The value that this share of all does not exceed. */
export function percentiles<Name extends string>(
  values: readonly number[],
  shares: Readonly<Record<Name, number>>,
): Record<Name, number> {
  const sorted = ascending(values);
  const entries = Object.entries<number>(shares).map(([name, share]) => [
    name,
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN,
  ]);
  return Object.fromEntries(entries) as Record<Name, number>;
}

export const LATENCIES = { p50: 0.5, p99: 0.99 } as const;
