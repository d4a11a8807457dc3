import { Injectable } from '@nestjs/common';
import type { Viewer } from '../auth/viewer.js';
import { isModerator } from '../auth/viewer.js';
import type { SqlValue } from '../database/database.js';
import { Database } from '../database/database.js';
import type { ParticipantRole, ThreadStatus } from '../generated/prisma/enums.js';
import { FreshReads } from '../inbox/fresh-reads.js';
import type { Hints } from '../inbox/inbox.service.js';
import type { ActivityKey, ParticipantRow, ThreadRow, ThreadSelection } from './thread-rows.js';

/** What a writing function answers. */
export interface Outcome {
  readonly outcome: string;
  readonly hints: Hints;
}

const COLUMNS = `t.id, t.trip_id AS "tripId", t.tourist_id AS "touristId", t.guide_id AS "guideId", t.status,
  t.blocked_by_id AS "blockedById", t.last_sequence AS "lastSequence", t.last_message_id AS "lastMessageId",
  t.last_message_at AS "lastMessageAt", t.activity_at AS "activityAt", t.created_at AS "createdAt",
  t.updated_at AS "updatedAt", coalesce(v.unread_count, 0) AS "unreadCount", v.muted_until AS "viewerMutedUntil",
  (v.user_id IS NOT NULL AND t.status = 'ACTIVE') AS "viewerCanSend"`;

@Injectable()
export class ThreadsRepository {
  constructor(
    private readonly database: Database,
    private readonly freshReads: FreshReads,
  ) {}

  /** Those of these threads that the viewer may see. */
  async findVisible(
    viewer: Viewer,
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, ThreadRow>> {
    const rows = await this.database.rows<ThreadRow>(
      'threads_visible',
      `SELECT ${COLUMNS} FROM threads t LEFT JOIN participants v ON v.thread_id = t.id AND v.user_id = $1
       WHERE t.id = ANY ($2::uuid[]) AND ($3 OR v.user_id IS NOT NULL)`,
      [viewer.userId, ids, isModerator(viewer)],
    );
    return new Map(rows.map((row) => [row.id, row]));
  }

  /** A page by activity, newest first: the viewer's threads, or all of them for a service or an admin. */
  findPage(
    viewer: Viewer,
    selection: ThreadSelection,
    after: ActivityKey | null,
    limit: number,
  ): Promise<ThreadRow[]> {
    const all = isModerator(viewer);
    const place = all ? '(t.activity_at, t.id)' : '(v.activity_at, v.thread_id)';
    const values: SqlValue[] = [viewer.userId, limit];
    const bind = (value: SqlValue): string => `$${values.push(value)}`;
    const conditions = all ? [] : ['v.user_id = $1'];
    const shape = [all ? 'all' : 'own'];
    const require = (name: string, condition: string): void => {
      shape.push(name);
      conditions.push(condition);
    };
    const { touristId, guideId, tripId, status, unread } = selection;
    if (after !== null)
      require('after', `${place} < (${bind(after.activityAt)}::timestamptz, ${bind(after.id)}::uuid)`);
    if (typeof touristId === 'string') require('tourist', `t.tourist_id = ${bind(touristId)}`);
    if (typeof guideId === 'string') require('guide', `t.guide_id = ${bind(guideId)}`);
    if (typeof tripId === 'string') require('trip', `t.trip_id = ${bind(tripId)}`);
    if (typeof status === 'string') require('status', `t.status = ${bind(status)}::thread_status`);
    if (unread === true) require('unread', 'v.unread_count > 0');
    if (unread === false) require('read', 'coalesce(v.unread_count, 0) = 0');
    return this.freshReads.rows<ThreadRow>(
      viewer,
      `threads_page_${shape.join('_')}`,
      `SELECT ${COLUMNS} FROM threads t ${all ? 'LEFT' : ''} JOIN participants v ON v.thread_id = t.id AND v.user_id = $1
       ${conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`}
       ORDER BY ${place.slice(1, -1).replaceAll(',', ' DESC,')} DESC LIMIT $2`,
      values,
    );
  }

  /** Everybody in these threads, tourist and guide first. The caller has been given the threads already. */
  async findParticipants(
    threadIds: readonly string[],
  ): Promise<ReadonlyMap<string, ParticipantRow[]>> {
    const rows = await this.database.rows<ParticipantRow>(
      'participants_of_threads',
      `SELECT p.thread_id AS "threadId", p.user_id AS "userId", p.role, p.joined_at AS "joinedAt",
         p.joined_sequence AS "joinedSequence", p.last_read_sequence AS "lastReadSequence",
         p.last_read_at AS "lastReadAt", p.last_delivered_sequence AS "lastDeliveredSequence",
         u.display_name AS "displayName", u.avatar_url AS "avatarUrl"
       FROM participants p JOIN users u ON u.id = p.user_id
       WHERE p.thread_id = ANY ($1::uuid[]) ORDER BY p.thread_id, p.role, p.joined_at, p.user_id`,
      [threadIds],
    );
    const byThread = new Map<string, ParticipantRow[]>(threadIds.map((id) => [id, []]));
    for (const row of rows) byThread.get(row.threadId)?.push(row);
    return byThread;
  }

  /** @param service who opens it for the two, for the audit; null where it is one of them */
  open(
    tripId: string | null,
    touristId: string,
    guideId: string,
    service: string | null,
  ): Promise<{ threadId: string; created: boolean; hints: Hints }> {
    return this.database.row(
      'open_thread',
      'SELECT thread_id AS "threadId", created, hints FROM open_thread($1, $2, $3, $4)',
      [tripId, touristId, guideId, service],
    );
  }

  setStatus(
    viewer: Viewer,
    threadId: string,
    status: ThreadStatus,
    reason: string | null,
  ): Promise<Outcome> {
    return this.database.row(
      'set_thread_status',
      'SELECT * FROM set_thread_status($1, $2, $3, $4, $5)',
      [threadId, viewer.userId, isModerator(viewer), status, reason],
    );
  }

  mute(viewer: Viewer, threadId: string, until: Date | null): Promise<Outcome> {
    return this.database.row('mute_thread', 'SELECT * FROM mute_thread($1, $2, $3)', [
      threadId,
      viewer.userId,
      until,
    ]);
  }

  addParticipant(
    viewer: Viewer,
    threadId: string,
    userId: string,
    role: ParticipantRole,
  ): Promise<Outcome> {
    return this.database.row('add_participant', 'SELECT * FROM add_participant($1, $2, $3, $4)', [
      threadId,
      viewer.userId,
      userId,
      role,
    ]);
  }

  removeParticipant(viewer: Viewer, threadId: string, userId: string): Promise<Outcome> {
    return this.database.row('remove_participant', 'SELECT * FROM remove_participant($1, $2, $3)', [
      threadId,
      viewer.userId,
      userId,
    ]);
  }

  delete(viewer: Viewer, threadId: string): Promise<Outcome> {
    return this.database.row('delete_thread', 'SELECT * FROM delete_thread($1, $2)', [
      threadId,
      viewer.userId,
    ]);
  }
}
