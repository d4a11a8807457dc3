import type { Instant } from '../instants.js';
import type { UserRow } from '../users/user-rows.js';
import type { MessageType } from '../generated/prisma/enums.js';

/** What a message says. */
export interface Said {
  readonly body: string;
  readonly latitude: number | null;
  readonly longitude: number | null;
  readonly locationLabel: string | null;
  readonly systemCode: string | null;
  readonly systemParams: { key: string; value: string }[] | null;
}

/** A message with its sender's name. */
export interface MessageRow extends Said {
  readonly id: string;
  readonly threadId: string;
  readonly sequence: number;
  readonly authorId: string;
  readonly senderUserId: string | null;
  /** null for system messages. */
  readonly sender: UserRow | null;
  readonly messageType: MessageType;
  readonly replyToId: string | null;
  readonly clientMessageId: string | null;
  readonly sentAt: Instant;
  readonly editedAt: Instant | null;
  readonly deletedAt: Instant | null;
}

/** How one other participant stands to a message. */
export interface ReaderRow {
  readonly userId: string;
  readonly delivered: boolean;
  readonly readAt: Instant | null;
}

/** What a message said until it was edited or deleted. */
export interface MessageVersionRow extends Said {
  readonly messageId: string;
  readonly replacedById: string;
  readonly replacedAt: Instant;
}

export interface MessageSelection {
  readonly senderUserId?: string | null | undefined;
  readonly messageType?: MessageType | null | undefined;
  readonly unread?: boolean | null | undefined;
}
