import { Injectable } from '@nestjs/common';
import type { SqlValue } from '../database/database.js';
import { Database } from '../database/database.js';
import { arrayOf, firstRows } from '../database/statement.js';
import type { InstantKey } from '../page-window.js';
import { MOST_ROWS } from '../page-window.js';
import type { NotificationRow, TraceRow } from './notification-rows.js';

/** Reading the thread reads its notifications, also in the moment before the notifier has noticed. */
const READ_AT = `coalesce(n.read_at, CASE WHEN n.type <> 'MESSAGE_READ' AND p.last_read_sequence >= n.last_sequence
  THEN greatest(p.last_read_at, n.created_at) END)`;
const UNREAD = `n.read_at IS NULL AND (n.type = 'MESSAGE_READ' OR p.last_read_sequence < n.last_sequence)`;
const COLUMNS = `n.id, n.type, n.thread_id AS "threadId", n.message_id AS "messageId", n.actor_id AS "actorId", n.count,
  n.created_at AS "createdAt", n.updated_at AS "updatedAt", ${READ_AT} AS "readAt"`;
/** Whoever is no longer in a thread sees none of its notifications. */
const OWN = `notifications n JOIN participants p ON p.thread_id = n.thread_id AND p.user_id = n.user_id`;

@Injectable()
export class NotificationsRepository {
  constructor(private readonly database: Database) {}

  /** A page of the feed, newest first; one that stands for nothing any more is not in it. */
  findPage(
    userId: string,
    unread: boolean | null,
    after: InstantKey | null,
    limit: number,
  ): Promise<NotificationRow[]> {
    const values: SqlValue[] = [userId, limit];
    const shape = ['notifications_page'];
    let conditions = '';
    if (unread !== null) {
      shape.push(unread ? 'unread' : 'read');
      conditions += unread ? ` AND ${UNREAD}` : ` AND NOT (${UNREAD})`;
    }
    if (after !== null) {
      shape.push('after');
      values.push(after.at, after.id);
      conditions += ' AND (n.updated_at, n.id) < ($3::timestamptz, $4::uuid)';
    }
    return this.database.readRows<NotificationRow>(
      shape.join('_'),
      firstRows(
        `SELECT ${COLUMNS} FROM ${OWN} WHERE n.user_id = $1 AND n.count > 0${conditions}
         ORDER BY n.updated_at DESC, n.id DESC`,
        '$2',
        MOST_ROWS,
      ),
      values,
    );
  }

  /** Those of these that are the person's, also where they stand for nothing any more. */
  async findByIds(
    userId: string,
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, NotificationRow>> {
    const rows = await this.database.readRows<NotificationRow>(
      'notifications_by_id',
      `SELECT ${COLUMNS} FROM ${OWN} WHERE n.user_id = $1 AND n.id = ANY (${arrayOf('$2', 'uuid')})`,
      [userId, ids],
    );
    return new Map(rows.map((row) => [row.id, row]));
  }

  async countUnread(userId: string): Promise<number> {
    const { count } = await this.database.readRow<{ count: number }>(
      'notifications_unread',
      `SELECT count(*) FROM ${OWN} WHERE n.user_id = $1 AND n.count > 0 AND ${UNREAD}`,
      [userId],
    );
    return count;
  }

  /** @param ids null: all unread ones */
  markRead(userId: string, ids: readonly string[] | null): Promise<{ outcome: string }> {
    return this.database.row(
      'mark_notifications_read',
      'SELECT * FROM mark_notifications_read($1, $2)',
      [userId, ids],
    );
  }

  /** @param userId null: of all recipients */
  findTrace(messageId: string, userId: string | null): Promise<TraceRow[]> {
    return this.database.rows<TraceRow>(
      'notification_trace',
      `SELECT d.user_id AS "userId", d.channel, d.type, d.outcome, d.reason, d.at,
         CASE WHEN d.outcome = 'WAITING' THEN m.due_at END AS "dueAt", d.notification_id AS "notificationId"
       FROM notification_deliveries d LEFT JOIN notification_mails m ON m.id = d.mail_id
       WHERE d.message_id = $1 AND ($2::text IS NULL OR d.user_id = $2) ORDER BY d.user_id, d.channel`,
      [messageId, userId],
    );
  }
}
