import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import type { Hints } from '../inbox/inbox.service.js';

/** Entries that one transaction takes in, of one person and of all together. */
const ENTRIES_OF_ONE = 500;
const ENTRIES = 5_000;
/** Threads that one look at recent activity covers. */
const RECENT_THREADS = 5_000;
const RECENT_PEOPLE = 500;

/** What became of people's journals; whoever is in neither was left out, for somebody else holds their row. */
export interface Notified {
  /** Up to where there is nothing left to take in. */
  readonly reached: ReadonlyMap<string, number>;
  /** People whose journal has more. */
  readonly behind: readonly string[];
  /** The positions of journals that were told of notifications. */
  readonly hints: Hints;
}

@Injectable()
export class NotifierRepository {
  constructor(private readonly database: Database) {}

  /**
   * Takes people's journals in, as far as one transaction goes: all of them or, where it fails, none.
   * @param mailDelayMinutes null where no mail is sent
   * @param waits whether to wait for whoever holds somebody's row or journal; else the first are left out and the second
   * fail it after a second
   */
  async notify(
    userIds: readonly string[],
    at: Date,
    mailDelayMinutes: number | null,
    waits: boolean,
  ): Promise<Notified> {
    const { reached, ...rest } = await this.database.row<
      Omit<Notified, 'reached'> & { reached: Record<string, number> }
    >('notify_people', 'SELECT reached, behind, hints FROM notify_people($1, $2, $3, $4, $5)', [
      userIds,
      at,
      Math.min(ENTRIES_OF_ONE, Math.ceil(ENTRIES / userIds.length)),
      mailDelayMinutes,
      waits,
    ]);
    return { reached: new Map(Object.entries(reached)), ...rest };
  }

  /** People of threads with messages since then whose journal the notifier has not taken in. */
  async findRecentlyBehind(seconds: number): Promise<string[]> {
    const rows = await this.database.rows<{ userId: string }>(
      'notifier_recent',
      `SELECT DISTINCT i.user_id AS "userId"
       FROM (SELECT thread_id AS id FROM participants WHERE role = 'TOURIST' AND activity_at > now() - make_interval(secs => $1)
             ORDER BY activity_at DESC LIMIT ${RECENT_THREADS}) AS t
       JOIN participants p ON p.thread_id = t.id
       JOIN inboxes i ON i.user_id = p.user_id
       LEFT JOIN notifier_positions n ON n.user_id = i.user_id
       WHERE i.position > coalesce(n.position, 0) LIMIT ${RECENT_PEOPLE}`,
      [seconds],
    );
    return rows.map(({ userId }) => userId);
  }

  /**
   * A stretch of all people in the order of their ids.
   * @returns those of them whom the notifier is behind with, and where the next stretch begins: '' after the last one
   */
  async findBehindAfter(
    userId: string,
    limit: number,
  ): Promise<{ userIds: string[]; next: string }> {
    const rows = await this.database.rows<{ userId: string; isBehind: boolean }>(
      'notifier_round',
      `SELECT i.user_id AS "userId", i.position > coalesce(n.position, 0) AS "isBehind"
       FROM inboxes i LEFT JOIN notifier_positions n ON n.user_id = i.user_id
       WHERE i.user_id > $1 ORDER BY i.user_id LIMIT $2`,
      [userId, limit],
    );
    return {
      userIds: rows.flatMap((row) => (row.isBehind ? [row.userId] : [])),
      next: rows.length < limit ? '' : (rows.at(-1)?.userId ?? ''),
    };
  }

  async prune(days: number): Promise<number> {
    const { dropped } = await this.database.row<{ dropped: number }>(
      'prune_notifications',
      'SELECT prune_notifications($1) AS dropped',
      [days],
    );
    return dropped;
  }
}
