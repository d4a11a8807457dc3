import type { Instant } from '../instants.js';
import type { UserRow } from '../users/user-rows.js';
import type { ParticipantRole, ThreadStatus } from '../generated/prisma/enums.js';

/** A thread as one viewer sees it. */
export interface ThreadRow {
  readonly id: string;
  readonly tripId: string | null;
  readonly touristId: string;
  readonly guideId: string;
  readonly tourist: UserRow;
  readonly guide: UserRow;
  readonly status: ThreadStatus;
  readonly blockedById: string | null;
  readonly lastSequence: number;
  readonly lastMessageId: string | null;
  readonly lastMessageAt: Instant | null;
  readonly activityAt: Instant;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
  readonly unreadCount: number;
  readonly viewerCanSend: boolean;
  readonly viewerMutedUntil: Instant | null;
}

/** Somebody in a thread, with the name to show. */
export interface ParticipantRow {
  readonly threadId: string;
  readonly userId: string;
  readonly role: ParticipantRole;
  readonly joinedAt: Instant;
  readonly joinedSequence: number;
  readonly lastReadSequence: number;
  readonly lastReadAt: Instant | null;
  readonly lastDeliveredSequence: number;
  readonly displayName: string | null;
  readonly avatarUrl: string | null;
}

export interface ThreadSelection {
  readonly touristId?: string | null | undefined;
  readonly guideId?: string | null | undefined;
  readonly tripId?: string | null | undefined;
  readonly status?: ThreadStatus | null | undefined;
  readonly unread?: boolean | null | undefined;
}
