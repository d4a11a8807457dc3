import { Injectable } from '@nestjs/common';
import type { Viewer } from '../auth/viewer.js';
import { isModerator } from '../auth/viewer.js';
import { AppError, ErrorCode, notFound } from '../errors.js';
import type { JournalFilter, JournalKind } from '../inbox/journal-entry.js';
import type { ThreadRow } from './thread-rows.js';
import { ThreadsRepository } from './threads.repository.js';

/**
 * The one way to a thread. Whoever is in it sees it, and so does a service or an admin; for everybody else it does not
 * exist.
 */
@Injectable()
export class ThreadAccess {
  constructor(private readonly threads: ThreadsRepository) {}

  /** Those of these threads that the viewer may see. */
  findVisible(viewer: Viewer, ids: readonly string[]): Promise<ReadonlyMap<string, ThreadRow>> {
    return this.threads.findVisible(viewer, ids);
  }

  /** @throws AppError NOT_FOUND, for a thread that is not there and for one that is not the viewer's alike */
  async requireVisible(viewer: Viewer, id: string): Promise<ThreadRow> {
    const thread = (await this.threads.findVisible(viewer, [id])).get(id.toLowerCase());
    if (thread === undefined) throw notFound('Thread');
    return thread;
  }

  /** The filter of a subscription; a thread in it must be the viewer's. */
  async filterOf(
    viewer: Viewer,
    kinds: readonly JournalKind[],
    threadId: string | null | undefined,
  ): Promise<JournalFilter> {
    if (threadId === null || threadId === undefined) return { kinds };
    await this.requireVisible(viewer, threadId);
    // Mostly the very text that the operation keeps anyway; the row's would be another.
    return { kinds, threadId: threadId.toLowerCase() };
  }

  /** @throws AppError NOT_FOUND as above; FORBIDDEN for a service or an admin who is not in the thread */
  async requireParticipant(viewer: Viewer, id: string): Promise<ThreadRow> {
    const thread = await this.requireVisible(viewer, id);
    if (!isModerator(viewer)) return thread;
    const participants = (await this.threads.findParticipants([thread.id])).get(thread.id) ?? [];
    if (!participants.some(({ userId }) => userId === viewer.userId))
      throw new AppError(ErrorCode.FORBIDDEN, 'Only somebody in the thread can do this.');
    return thread;
  }
}

/** @throws AppError FORBIDDEN for everybody but the platform's services and admins */
export function requireModerator(viewer: Viewer): void {
  if (!isModerator(viewer))
    throw new AppError(ErrorCode.FORBIDDEN, 'Only a service or an admin can do this.');
}
