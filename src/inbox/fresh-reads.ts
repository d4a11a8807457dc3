import { Injectable } from '@nestjs/common';
import type { Viewer } from '../auth/viewer.js';
import { isModerator } from '../auth/viewer.js';
import type { SqlValue } from '../database/database.js';
import { Database } from '../database/database.js';
import { Replica } from '../database/replica.js';

/**
 * Where a person's journal stands: the position, and what tells its newest entry from an entry that another life of the
 * database (restored, promoted) has put at the same position.
 */
const mark = (parameter: string): string => `(
  SELECT concat_ws(' ', i.position, extract(epoch FROM e.at), coalesce(e.message_id, e.notification_id))
  FROM inboxes i LEFT JOIN inbox_entries e ON e.user_id = i.user_id AND e.position = i.position
  WHERE i.user_id = ${parameter})`;

/** A row of a page, with where the replica stood in the snapshot that the page was read from. */
interface Copied {
  /** Null on a server that is no replica (any more), and where it does not know the person. */
  readonly copyMark: string | null;
  /** Null in the one row that an empty page consists of. */
  readonly isInPage: true | null;
}

/**
 * Reads pages of what a person sees from the replica, where that stands exactly where the person's journal stands on the
 * primary: whatever changes what a person sees is an entry in their journal, in the same transaction, and the entries of
 * one person commit one after the other. A replica that has the newest one therefore has all that the person has been told
 * and has done; and one that stands further than the primary knows something that is not acknowledged yet. In all other
 * cases, and whenever the replica does not answer, the primary is asked (docs/architecture.md, "The read replica").
 */
@Injectable()
export class FreshReads {
  constructor(
    private readonly database: Database,
    private readonly replica: Replica,
  ) {}

  /** As Database.rows, for statements that only read what the viewer's journal vouches for. */
  rows<Row extends object>(
    viewer: Viewer,
    name: string,
    text: string,
    values: readonly SqlValue[],
  ): Promise<Row[]> {
    // Of what a service or an admin sees beyond their own threads, no journal tells.
    if (!this.replica.isUsable || isModerator(viewer))
      return this.database.rows<Row>(name, text, values);
    return this.#freshRows(viewer.userId, name, text, values);
  }

  async #freshRows<Row extends object>(
    userId: string,
    name: string,
    text: string,
    values: readonly SqlValue[],
  ): Promise<Row[]> {
    const [[primary], copy] = await Promise.all([
      this.database.rows<{ mark: string }>('journal_mark', `SELECT ${mark('$1')} AS mark`, [
        userId,
      ]),
      // One statement is one snapshot. A join of one row with a page keeps the order of the page.
      this.replica.rows<Row & Copied>(
        name,
        `SELECT * FROM (SELECT CASE WHEN pg_is_in_recovery() THEN ${mark(`$${values.length + 1}`)} END AS "copyMark") AS here
         LEFT JOIN (SELECT true AS "isInPage", page.* FROM (${text}) AS page) AS page ON true`,
        [...values, userId],
      ),
    ]);
    const copyMark = copy?.[0]?.copyMark ?? null;
    if (copy === null || copyMark === null || copyMark !== primary?.mark)
      return this.database.rows<Row>(name, text, values);
    return copy.filter(({ isInPage }) => isInPage).map(withoutMark);
  }
}

function withoutMark<Row extends object>(row: Row & Copied): Row {
  const { copyMark, isInPage, ...own } = row;
  return own as unknown as Row;
}
