import { hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { arrayOf } from '../database/statement.js';
import type { JournalEntry, JournalState } from './journal-entry.js';

/** The life of this database: another after a restore (other cluster or database) and after a promotion (other timeline). */
const EPOCH = `SELECT (SELECT system_identifier FROM pg_control_system())::text || ':' ||
  (SELECT oid FROM pg_database WHERE datname = current_database())::text || ':' ||
  substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS life`;

const STATE = `SELECT (${EPOCH}) AS life, coalesce(i.position, 0) AS position, coalesce(i.floor, 0) AS floor,
    coalesce(i.unread_message_count, 0) AS "unreadMessageCount", coalesce(i.unread_thread_count, 0) AS "unreadThreadCount"
  FROM (SELECT $1::text AS user_id) AS viewer LEFT JOIN inboxes i USING (user_id)`;

const PAGE = `SELECT e.position, e.at, e.kind, e.thread_id AS "threadId", e.message_id AS "messageId",
    e.actor_id AS "actorId", e.up_to_sequence AS "upToSequence", e.unread_message_count AS "unreadMessageCount",
    e.unread_thread_count AS "unreadThreadCount", e.notification_id AS "notificationId", (e.kind = 'THREAD_REMOVED' OR p.user_id IS NOT NULL) AS visible
  FROM inbox_entries e LEFT JOIN participants p ON p.thread_id = e.thread_id AND p.user_id = e.user_id
  WHERE e.user_id = $1 AND e.position > $2 ORDER BY e.position LIMIT $3`;

/** Where journals stand in one life of the database. */
export interface JournalPositions {
  readonly epoch: string;
  /** People without a journal are missing. */
  readonly positions: ReadonlyMap<string, number>;
}

const epochOf = (life: string): string => hash('sha256', life, 'base64url').slice(0, 8);

/** Reads journals. They are written by the SQL functions that write what they tell of. */
@Injectable()
export class JournalRepository {
  constructor(private readonly database: Database) {}

  async stateOf(userId: string): Promise<JournalState> {
    const { life, ...state } = await this.database.readRow<JournalState & { life: string }>(
      'journal_state',
      STATE,
      [userId],
    );
    return { ...state, epoch: epochOf(life) };
  }

  /** Entries after a position, oldest first, as they concern the person now. */
  readAfter(userId: string, position: number, limit: number): Promise<JournalEntry[]> {
    return this.database.readRows<JournalEntry>('journal_page', PAGE, [userId, position, limit]);
  }

  /** Where the journals of these people stand. */
  async positionsOf(userIds: readonly string[]): Promise<JournalPositions> {
    const rows = await this.database.rows<{
      life: string;
      userId: string | null;
      position: number | null;
    }>(
      'journal_positions',
      `SELECT database.life, i.user_id AS "userId", i.position
       FROM (${EPOCH}) AS database LEFT JOIN inboxes i ON i.user_id = ANY (${arrayOf('$1', 'text')})`,
      [userIds],
    );
    const positions = new Map<string, number>();
    for (const { userId, position } of rows)
      if (userId !== null && position !== null) positions.set(userId, position);
    return { epoch: epochOf(rows[0]?.life ?? ''), positions };
  }

  /**
   * Drops what is older than the retention or beyond the number of kept entries, one bounded batch at a time.
   * @param after the person whom it goes on behind, in the order of the ids; '' at the beginning
   * @returns how many entries went, which the same call may have more of until it drops none; and up to whom it has looked,
   * null where there is nobody behind
   */
  async trim(
    after: string,
    retentionDays: number,
    keptEntries: number,
  ): Promise<{ dropped: number; reached: string | null }> {
    return this.database.row('inbox_trim', 'SELECT dropped, reached FROM inbox_trim($1, $2, $3)', [
      after,
      retentionDays,
      keptEntries,
    ]);
  }
}
