import type { People } from '../database/columns.js';
import { valueAt } from '../database/columns.js';

/** A person as others see them. */
export interface UserRow {
  readonly id: string;
  readonly displayName: string | null;
  readonly avatarUrl: string | null;
}

/** Somebody whose name is not known, or not asked for. */
export const unnamed = (id: string): UserRow => ({ id, displayName: null, avatarUrl: null });

/** @returns the person of an id; everybody named in a page is among its people, and a name that is not known is null */
export function userReader([ids, displayNames, avatarUrls]: People): (id: string) => UserRow {
  const users = new Map<string, UserRow>();
  for (const [index, id] of (ids ?? []).entries())
    users.set(id, {
      id,
      displayName: valueAt(displayNames, index),
      avatarUrl: valueAt(avatarUrls, index),
    });
  return (id) => users.get(id) ?? unnamed(id);
}
