import type { Instant } from '../instants.js';
import type { MessageContent } from './message-content.js';
import type { MessageRow } from './message-rows.js';

/** What somebody says, on its way to be stored. */
export interface Send {
  readonly authorId: string;
  readonly threadId: string;
  readonly content: MessageContent;
  readonly clientMessageId: string;
}

/** What became of it. */
export interface SendOutcome {
  readonly outcome: string;
  readonly deduplicated: boolean;
  readonly id: string;
  readonly sequence: number;
  readonly sentAt: Instant;
  /** As others see the sender, whatever the token says. */
  readonly senderDisplayName: string | null;
  readonly senderAvatarUrl: string | null;
}

/** The entry that tells a person of the message at a place (from 1) of its batch, with the person's totals as of then. */
export type SentEntry = readonly [
  userId: string,
  position: number,
  place: number,
  unreadMessageCount: number,
  unreadThreadCount: number,
];

export interface SentBatch {
  /** In the order of the sends. */
  readonly outcomes: readonly SendOutcome[];
  /** Of everybody in the threads, oldest first for each person. */
  readonly entries: readonly SentEntry[];
}

/** As the SQL function send_messages names them; what is missing is null there. */
export const toParameters = ({
  authorId,
  threadId,
  content: { messageType, body, location, system, replyToId, digest },
  clientMessageId,
}: Send): object => ({
  thread: threadId,
  author: authorId,
  type: messageType,
  body,
  ...location,
  ...system,
  reply_to: replyToId,
  client_id: clientMessageId,
  digest,
});

/** The row that has just been written, without reading it back. */
export function asStored(
  { authorId, threadId, content, clientMessageId }: Send,
  { id, sequence, sentAt, senderDisplayName, senderAvatarUrl }: SendOutcome,
): MessageRow {
  const { messageType, body, location, system, replyToId } = content;
  const isPersons = system === null;
  return {
    id,
    threadId: threadId.toLowerCase(),
    sequence,
    authorId,
    senderUserId: isPersons ? authorId : null,
    sender: isPersons
      ? { id: authorId, displayName: senderDisplayName, avatarUrl: senderAvatarUrl }
      : null,
    body,
    messageType,
    latitude: location?.latitude ?? null,
    longitude: location?.longitude ?? null,
    locationLabel: location?.label ?? null,
    systemCode: system?.code ?? null,
    systemParams: system === null ? null : [...system.params],
    replyToId: replyToId?.toLowerCase() ?? null,
    clientMessageId,
    sentAt,
    editedAt: null,
    deletedAt: null,
  };
}
