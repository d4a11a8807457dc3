import type { Instant } from '../instants.js';
import type {
  NotificationChannel,
  NotificationOutcome,
  NotificationReason,
  NotificationType,
} from '../generated/prisma/enums.js';

/** A notification as its person sees it now. */
export interface NotificationRow {
  readonly id: string;
  readonly type: NotificationType;
  readonly threadId: string;
  readonly messageId: string;
  readonly actorId: string;
  readonly count: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
  readonly readAt: Instant | null;
}

/** What became of telling one person of a message by one channel. */
export interface TraceRow {
  readonly userId: string;
  readonly channel: NotificationChannel;
  readonly type: NotificationType;
  readonly outcome: NotificationOutcome;
  readonly reason: NotificationReason | null;
  readonly at: Instant;
  readonly dueAt: Instant | null;
  readonly notificationId: string | null;
}
