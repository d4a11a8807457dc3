import type { People } from '../database/columns.js';

/** A person as others see them. */
export interface UserRow {
  readonly id: string;
  readonly displayName: string | null;
  readonly avatarUrl: string | null;
}

/** Everybody named in a page is among its people; a name that is not known is null. */
export function userOf(id: string, people: People): UserRow {
  const [displayName, avatarUrl] = people?.[id] ?? [null, null];
  return { id, displayName, avatarUrl };
}
