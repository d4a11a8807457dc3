import { Injectable } from '@nestjs/common';
import type { Viewer } from '../auth/viewer.js';
import { AppError, ErrorCode, notFound } from '../errors.js';
import type { InstantKey } from '../page-window.js';
import type { NotificationRow } from './notification-rows.js';
import { NotificationsRepository } from './notifications.repository.js';
import { NotifierService } from './notifier.service.js';

@Injectable()
export class NotificationsService {
  constructor(
    private readonly notifications: NotificationsRepository,
    private readonly notifier: NotifierService,
  ) {}

  /** Whoever asks sees everything that was committed before, for their journal is taken in first. */
  async findPage(
    viewer: Viewer,
    unread: boolean | null,
    after: InstantKey | null,
    limit: number,
  ): Promise<NotificationRow[]> {
    requirePerson(viewer);
    await this.notifier.catchUp(viewer.userId);
    return this.notifications.findPage(viewer.userId, unread, after, limit);
  }

  findByIds(viewer: Viewer, ids: readonly string[]): Promise<ReadonlyMap<string, NotificationRow>> {
    return this.notifications.findByIds(viewer.userId, ids);
  }

  /** 0 for a service, which is nobody. */
  async countUnread(viewer: Viewer): Promise<number> {
    if (viewer.isService) return 0;
    await this.notifier.catchUp(viewer.userId);
    return this.notifications.countUnread(viewer.userId);
  }

  /** @param ids null: all unread ones */
  async markRead(viewer: Viewer, ids: readonly string[] | null): Promise<void> {
    requirePerson(viewer);
    await this.notifier.catchUp(viewer.userId);
    const { outcome } = await this.notifications.markRead(viewer.userId, ids);
    if (outcome === 'NOT_FOUND') throw notFound('Notification');
  }
}

/** @throws AppError FORBIDDEN */
export function requirePerson(viewer: Viewer): void {
  if (viewer.isService)
    throw new AppError(
      ErrorCode.FORBIDDEN,
      'A service is notified of nothing: ask with a person’s token.',
    );
}
