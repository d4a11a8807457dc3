import type { Instant } from './instants.js';

/** Items of a page at most. */
export const MAX_PAGE = 100;

/** Rows that are read for a page at most: one more than are shown tells that there is more. */
export const MOST_ROWS = MAX_PAGE + 1;

/** A page that is asked for: `limit` items after and before these keys, from the end where `backwards`. */
export interface Window<Key> {
  readonly limit: number;
  readonly backwards: boolean;
  readonly after: Key | null;
  readonly before: Key | null;
}

/** The place of what is ordered by an instant and then by its id. */
export interface InstantKey {
  readonly at: Instant;
  readonly id: string;
}
