export interface Spread {
  readonly least: number;
  readonly median: number;
  readonly most: number;
}

const ascending = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

/** Of what has been measured: NaN is what has not. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = ascending(values.filter((value) => !Number.isNaN(value)));
  const middle = (sorted.length - 1) / 2;
  const at = (place: number): number => sorted[place] ?? NaN;
  return {
    least: at(0),
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    most: at(sorted.length - 1),
  };
}

/** The value that this share of all does not exceed; nothing where there are none. */
export function percentiles<Name extends string>(
  values: readonly number[],
  shares: Readonly<Record<Name, number>>,
): Partial<Record<Name, number>> {
  const sorted = ascending(values);
  const entries = Object.entries<number>(shares).flatMap(([name, share]) => {
    const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(entries) as Partial<Record<Name, number>>;
}

export const LATENCIES = { p50: 0.5, p99: 0.99 } as const;
