import type { JournalEntry } from './journal-entry.js';

/** What a writer knew holds for a moment: whatever has changed it is heard of by then, or looked up. */
const FRESH_MS = 1_000;
const MOST = 200;

/**
 * What was just written on this node to a person's journal, with what the writer knows of it, for those who are told of it
 * now. Whoever is told later is told what is true by then, from PostgreSQL.
 */
export class OfferedEntries {
  readonly #offeredAt = performance.now();

  /** @param entries in order, without gaps */
  constructor(private entries: readonly JournalEntry[]) {}

  /** The position of the newest one. */
  get last(): number {
    return this.entries.at(-1)?.position ?? 0;
  }

  /** @returns false for what cannot be kept with these, as long as they hold */
  add(entries: readonly JournalEntry[]): boolean {
    const follow = entries[0]?.position === this.last + 1;
    if (!follow || !this.#isFresh || this.entries.length + entries.length > MOST) return false;
    this.entries = this.entries.concat(entries);
    return true;
  }

  /** The entries right behind a position, if they still hold. */
  after(position: number): readonly JournalEntry[] | undefined {
    const index = position + 1 - (this.entries[0]?.position ?? 0);
    return this.#isFresh && index >= 0 && index < this.entries.length
      ? this.entries.slice(index)
      : undefined;
  }

  get #isFresh(): boolean {
    return performance.now() - this.#offeredAt < FRESH_MS;
  }
}
