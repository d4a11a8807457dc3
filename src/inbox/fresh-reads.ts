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

/** With a page: where the replica stood in the snapshot that it was read from. */
interface Copied {
  /** Null on a server that is no replica (any more), and where it does not know the person. */
  readonly copyMark: string | null;
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

  /** As Database.row, for statements that only read what the viewer's journal vouches for. */
  row<Row extends object>(
    viewer: Viewer,
    name: string,
    text: string,
    values: readonly SqlValue[],
  ): Promise<Row> {
    // Of what a service or an admin sees beyond their own threads, no journal tells.
    if (isModerator(viewer)) return this.database.row<Row>(name, text, values);
    if (!this.replica.isUsable) return this.database.readRow<Row>(name, text, values);
    return this.#freshRow(viewer.userId, name, text, values);
  }

  async #freshRow<Row extends object>(
    userId: string,
    name: string,
    text: string,
    values: readonly SqlValue[],
  ): Promise<Row> {
    const [primary, copies] = await Promise.all([
      this.database.readRow<{ mark: string }>('journal_mark', `SELECT ${mark('$1')} AS mark`, [
        userId,
      ]),
      // One statement is one snapshot.
      this.replica.rows<Row & Copied>(
        name,
        `SELECT * FROM (SELECT CASE WHEN pg_is_in_recovery() THEN ${mark(`$${values.length + 1}`)} END AS "copyMark") AS here,
           (${text}) AS page`,
        [...values, userId],
      ),
    ]);
    const copy = copies?.[0];
    if (copy === undefined || copy.copyMark === null || copy.copyMark !== primary.mark)
      return this.database.readRow<Row>(name, text, values);
    return copy;
  }
}
