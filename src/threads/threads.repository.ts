import { Injectable } from '@nestjs/common';
import type { Viewer } from '../auth/viewer.js';
import { isModerator } from '../auth/viewer.js';
import type { Page } from '../database/columns.js';
import type { SqlValue } from '../database/database.js';
import { Database } from '../database/database.js';
import { arrayOf, statementName, StatementTexts } from '../database/statement.js';
import type { ParticipantRole, ThreadStatus } from '../generated/prisma/enums.js';
import { FreshReads } from '../inbox/fresh-reads.js';
import type { Hints } from '../inbox/inbox.service.js';
import type { InstantKey } from '../page-window.js';
import { userReader } from '../users/user-rows.js';
import type { ThreadColumns, ThreadReading } from './thread-columns.js';
import { selectThreads, toThreads, WHOLE_THREADS } from './thread-columns.js';
import type { ParticipantRow, ThreadRow, ThreadSelection } from './thread-rows.js';

/** What a writing function answers. */
export interface Outcome {
  readonly outcome: string;
  readonly hints: Hints;
}

const VISIBLE = selectThreads(
  // LATERAL, so that it is looked up by both, however many threads the viewer is in.
  `FROM threads t LEFT JOIN LATERAL (
     SELECT p.* FROM participants p WHERE p.thread_id = t.id AND p.user_id = $1 LIMIT 1
   ) AS v ON true
   WHERE t.id = ANY (${arrayOf('$2', 'uuid')}) AND ($3 OR v.user_id IS NOT NULL)`,
);

@Injectable()
export class ThreadsRepository {
  readonly #pages = new StatementTexts();

  constructor(
    private readonly database: Database,
    private readonly freshReads: FreshReads,
  ) {}

  /** Those of these threads that the viewer may see. */
  async findVisible(
    viewer: Viewer,
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, ThreadRow>> {
    const { page } = await this.database.readRow<Page<ThreadColumns>>('threads_visible', VISIBLE, [
      viewer.userId,
      ids,
      isModerator(viewer),
    ]);
    return new Map(toThreads(page, userReader(page.people)).map((row) => [row.id, row]));
  }

  /**
   * A page by activity, newest first: the viewer's threads, or all of them for a service or an admin.
   * @returns for toThreads, and with the columns of what is added
   */
  async findPage(
    viewer: Viewer,
    selection: ThreadSelection,
    after: InstantKey | null,
    limit: number,
    reading: ThreadReading = WHOLE_THREADS,
  ): Promise<ThreadColumns> {
    const all = isModerator(viewer);
    // The tourist's row stands for the thread where it is not the viewer's: see participants_activity.
    const place = all ? '(a.activity_at, a.thread_id)' : '(v.activity_at, v.thread_id)';
    const source = all
      ? `participants a JOIN threads t ON t.id = a.thread_id
         LEFT JOIN participants v ON v.thread_id = t.id AND v.user_id = $1`
      : 'participants v JOIN threads t ON t.id = v.thread_id';
    const values: SqlValue[] = [viewer.userId, limit, reading.named];
    const bind = (value: SqlValue): string => `$${values.push(value)}`;
    const conditions = [all ? "a.role = 'TOURIST'" : 'v.user_id = $1'];
    const shape = [all ? 'all' : 'own'];
    const require = (name: string, condition: string): void => {
      shape.push(name);
      conditions.push(condition);
    };
    const { touristId, guideId, tripId, status, unread } = selection;
    if (after !== null)
      require('after', `${place} < (${bind(after.at)}::timestamptz, ${bind(after.id)}::uuid)`);
    // The row that stands for the thread is the tourist's, and by person an index has them in the order of the page.
    const tourist = all ? 'a.user_id' : 't.tourist_id';
    if (typeof touristId === 'string') require('tourist', `${tourist} = ${bind(touristId)}`);
    if (typeof guideId === 'string') require('guide', `t.guide_id = ${bind(guideId)}`);
    if (typeof tripId === 'string') require('trip', `t.trip_id = ${bind(tripId)}`);
    if (typeof status === 'string') require('status', `t.status = ${bind(status)}::thread_status`);
    if (unread === true) require('unread', 'v.unread_count > 0');
    if (unread === false) require('read', 'coalesce(v.unread_count, 0) = 0');
    const { detail, addition } = reading;
    const statement = statementName('list', ...shape, detail, addition?.name);
    const select = (): string =>
      selectThreads(
        `FROM ${source} ${addition?.join ?? ''} WHERE ${conditions.join(' AND ')}
         ORDER BY ${place.slice(1, -1).replaceAll(',', ' DESC,')} DESC`,
        reading,
        { limit: '$2', named: '$3::text[]' },
      );
    const { page } = await this.freshReads.row<Page<ThreadColumns>>(
      viewer,
      statement,
      this.#pages.textOf(statement, select),
      values,
    );
    return page;
  }

  /** Everybody in these threads, tourist and guide first. The caller has been given the threads already. */
  async findParticipants(
    threadIds: readonly string[],
  ): Promise<ReadonlyMap<string, ParticipantRow[]>> {
    const rows = await this.database.readRows<ParticipantRow>(
      'participants_of_threads',
      `SELECT p.thread_id AS "threadId", p.user_id AS "userId", p.role, p.joined_at AS "joinedAt",
         p.joined_sequence AS "joinedSequence", p.last_read_sequence AS "lastReadSequence",
         p.last_read_at AS "lastReadAt", p.last_delivered_sequence AS "lastDeliveredSequence",
         u.display_name AS "displayName", u.avatar_url AS "avatarUrl"
       FROM participants p JOIN users u ON u.id = p.user_id
       WHERE p.thread_id = ANY (${arrayOf('$1', 'uuid')})
       ORDER BY p.thread_id, p.role, p.joined_at, p.user_id`,
      [threadIds],
    );
    const byThread = new Map<string, ParticipantRow[]>(threadIds.map((id) => [id, []]));
    for (const row of rows) byThread.get(row.threadId)?.push(row);
    return byThread;
  }

  /**
   * @param service who opens it for the two, for the audit; null where it is one of them
   * @returns threadId null where it was deleted in this very moment
   */
  open(
    tripId: string | null,
    touristId: string,
    guideId: string,
    service: string | null,
  ): Promise<{ threadId: string | null; created: boolean; hints: Hints }> {
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
