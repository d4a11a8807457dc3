import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import type { Hints } from '../inbox/inbox.service.js';

/** Entries of one person that one transaction takes in. */
const BATCH = 500;
/** Threads that one look at recent activity covers. */
const RECENT_THREADS = 5_000;
const RECENT_PEOPLE = 500;

@Injectable()
export class NotifierRepository {
  constructor(private readonly database: Database) {}

  /**
   * Takes a person's journal in, as far as one transaction goes.
   * @param mailDelayMinutes null where no mail is sent
   * @returns whether there is more, and the journal's new position where notifications were told
   */
  notify(
    userId: string,
    at: Date,
    mailDelayMinutes: number | null,
  ): Promise<{ isBehind: boolean; hints: Hints }> {
    return this.database.row(
      'notify_person',
      'SELECT is_behind AS "isBehind", hints FROM notify_person($1, $2, $3, $4)',
      [userId, at, BATCH, mailDelayMinutes],
    );
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
