import { Injectable } from '@nestjs/common';
import type { Viewer } from '../auth/viewer.js';
import { AppError, badInput, ErrorCode, notFound } from '../errors.js';
import type { ParticipantRole, ThreadStatus } from '../generated/prisma/enums.js';
import { InboxService } from '../inbox/inbox.service.js';
import type { InstantKey } from '../page-window.js';
import { RateLimits } from '../rate-limits/rate-limits.js';
import { requireModerator, ThreadAccess } from './thread-access.js';
import type { ThreadColumns, ThreadReading } from './thread-columns.js';
import { toThreads } from './thread-columns.js';
import type { ParticipantRow, ThreadRow, ThreadSelection } from './thread-rows.js';
import type { UserRow } from '../users/user-rows.js';
import { userReader } from '../users/user-rows.js';
import type { Outcome } from './threads.repository.js';
import { ThreadsRepository } from './threads.repository.js';

export interface ThreadKey {
  readonly tripId: string | null;
  readonly touristId: string;
  readonly guideId: string;
}

/** Somebody would have to delete the thread each time. */
const OPENINGS = 5;

@Injectable()
export class ThreadsService {
  constructor(
    private readonly threads: ThreadsRepository,
    private readonly access: ThreadAccess,
    private readonly inbox: InboxService,
    private readonly limits: RateLimits,
  ) {}

  find(viewer: Viewer, id: string): Promise<ThreadRow> {
    return this.access.requireVisible(viewer, id);
  }

  /**
   * A page of the list, with what another room adds to it.
   * @returns beside the threads the columns of the addition, and the page's people by id
   */
  async findPage(
    viewer: Viewer,
    selection: ThreadSelection,
    after: InstantKey | null,
    limit: number,
    reading: ThreadReading,
  ): Promise<{ threads: ThreadRow[]; columns: ThreadColumns; userOf: (id: string) => UserRow }> {
    const columns = await this.threads.findPage(viewer, selection, after, limit, reading);
    const userOf = userReader(columns.people);
    return { threads: toThreads(columns, userOf, reading), columns, userOf };
  }

  /** Of threads that the caller has been given by this service. */
  participantsOf(threadIds: readonly string[]): Promise<ReadonlyMap<string, ParticipantRow[]>> {
    return this.threads.findParticipants(threadIds);
  }

  async open(
    viewer: Viewer,
    { tripId, touristId, guideId }: ThreadKey,
  ): Promise<{ thread: ThreadRow; created: boolean }> {
    if (touristId === guideId) throw badInput('touristId and guideId must differ.');
    const isOwn = viewer.userId === touristId || viewer.userId === guideId;
    if (!viewer.isService && !isOwn)
      throw new AppError(
        ErrorCode.FORBIDDEN,
        'Only the tourist, the guide or a service opens their thread.',
      );
    await this.limits.requireSend(viewer);
    const service = viewer.isService ? viewer.userId : null;
    for (let opening = 1; ; opening++) {
      const opened = await this.threads.open(tripId, touristId, guideId, service);
      this.inbox.announce(opened.hints);
      const ids = opened.threadId === null ? [] : [opened.threadId];
      const [thread] = (await this.access.findVisible(viewer, ids)).values();
      if (thread !== undefined) return { thread, created: opened.created };
      // Deleted before it could be looked at, it is opened anew: opening has no thread that it could not find.
      if (opening === OPENINGS) throw notFound('Thread');
    }
  }

  async setStatus(
    viewer: Viewer,
    threadId: string,
    status: ThreadStatus,
    reason: string | null,
  ): Promise<ThreadRow> {
    // It is a message, and may say as much as one.
    await this.limits.requireSend(viewer);
    return this.#done(
      viewer,
      threadId,
      await this.threads.setStatus(viewer, threadId, status, reason),
    );
  }

  async mute(viewer: Viewer, threadId: string, until: Date | null): Promise<ThreadRow> {
    await this.access.requireParticipant(viewer, threadId);
    return this.#done(viewer, threadId, await this.threads.mute(viewer, threadId, until));
  }

  async addParticipant(
    viewer: Viewer,
    threadId: string,
    userId: string,
    role: ParticipantRole,
  ): Promise<ThreadRow> {
    await this.#requireModerated(viewer, threadId);
    if (role !== 'MEMBER' && role !== 'SUPPORT') throw badInput('role must be MEMBER or SUPPORT.');
    return this.#done(
      viewer,
      threadId,
      await this.threads.addParticipant(viewer, threadId, userId, role),
    );
  }

  async removeParticipant(viewer: Viewer, threadId: string, userId: string): Promise<ThreadRow> {
    await this.#requireModerated(viewer, threadId);
    return this.#done(
      viewer,
      threadId,
      await this.threads.removeParticipant(viewer, threadId, userId),
    );
  }

  async delete(viewer: Viewer, threadId: string): Promise<void> {
    await this.#requireModerated(viewer, threadId);
    const { outcome, hints } = await this.threads.delete(viewer, threadId);
    if (outcome === 'NOT_FOUND') throw notFound('Thread');
    this.inbox.announce(hints);
  }

  /** A stranger is told that the thread does not exist, somebody in it that this is not for them. */
  async #requireModerated(viewer: Viewer, threadId: string): Promise<void> {
    await this.access.requireVisible(viewer, threadId);
    requireModerator(viewer);
  }

  async #done(viewer: Viewer, threadId: string, { outcome, hints }: Outcome): Promise<ThreadRow> {
    if (outcome === 'NOT_FOUND') throw notFound('Thread');
    if (outcome === 'STAYS') throw badInput('The tourist and the guide stay in their thread.');
    if (outcome === 'FORBIDDEN')
      throw new AppError(
        ErrorCode.FORBIDDEN,
        'Only whoever blocked the thread, a service or an admin can lift the block.',
      );
    this.inbox.announce(hints);
    return this.access.requireVisible(viewer, threadId);
  }
}
