/** A message as it is stored, or as it was seen. */
export interface Seen {
  readonly id: string;
  readonly threadId: string;
  readonly sequence: number;
  readonly body: string;
}

export interface Faults {
  lost: number;
  doubled: number;
  reordered: number;
  /** Seen, but not stored, or not like that. */
  phantom: number;
}

export const noFaults = (): Faults => ({ lost: 0, doubled: 0, reordered: 0, phantom: 0 });

/**
 * Compares what one device saw with what it should have seen.
 * @param expected all messages of the person, by id
 */
export function compare(expected: ReadonlyMap<string, Seen>, seen: readonly Seen[]): Faults {
  const faults = noFaults();
  const had = new Set<string>();
  const heads = new Map<string, number>();
  for (const message of seen) {
    const { id, threadId, sequence, body } = message;
    const stored = expected.get(id);
    if (had.has(id)) faults.doubled += 1;
    else if (stored?.sequence !== sequence || stored.body !== body) faults.phantom += 1;
    else if (sequence < (heads.get(threadId) ?? 0)) faults.reordered += 1;
    had.add(id);
    heads.set(threadId, Math.max(sequence, heads.get(threadId) ?? 0));
  }
  for (const id of expected.keys()) if (!had.has(id)) faults.lost += 1;
  return faults;
}

export function add(total: Faults, more: Faults): void {
  for (const name of ['lost', 'doubled', 'reordered', 'phantom'] as const)
    total[name] += more[name];
}

/** The value that so many of a hundred stay below. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(Math.ceil((sorted.length * percent) / 100) - 1, 0)] ?? 0;
}
