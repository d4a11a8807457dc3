import { Injectable } from '@nestjs/common';
import type { Viewer } from '../auth/viewer.js';
import { isModerator } from '../auth/viewer.js';
import { MessagesService } from '../messages/messages.service.js';
import type { TraceRow } from './notification-rows.js';
import { NotificationsRepository } from './notifications.repository.js';
import { NotifierService } from './notifier.service.js';

@Injectable()
export class TraceService {
  constructor(
    private readonly messages: MessagesService,
    private readonly notifications: NotificationsRepository,
    private readonly notifier: NotifierService,
  ) {}

  /** Of all recipients for a service or an admin, of the viewer alone for everybody else. */
  async find(viewer: Viewer, messageId: string): Promise<TraceRow[]> {
    await this.messages.find(viewer, messageId);
    // A service is nobody who is told anything.
    if (!viewer.isService) await this.notifier.catchUp(viewer.userId);
    return this.notifications.findTrace(messageId, isModerator(viewer) ? null : viewer.userId);
  }
}
