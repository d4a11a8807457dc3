import type { Instant } from '../instants.js';
import { toInstantOrNull } from '../instants.js';
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
  /** OK, DEDUPLICATED for a repeat of what is stored, or why it was refused. */
  readonly outcome: string;
  /** This and the next two: of the message that is stored. */
  readonly id: string;
  readonly sequence: number;
  readonly sentAt: Instant;
  /** As others see the sender, whatever the token says. */
  readonly senderDisplayName: string | null;
  readonly senderAvatarUrl: string | null;
}

/** The entry that tells a person of the message at a place (from 1) of its batch, with the person's totals as of then. */
export interface SentEntry {
  readonly userId: string;
  readonly position: number;
  readonly place: number;
  readonly unreadMessageCount: number;
  readonly unreadThreadCount: number;
}

export interface SentBatch {
  /** In the order of the sends. */
  readonly outcomes: readonly SendOutcome[];
  /** Of everybody in the threads, oldest first for each person. */
  readonly entries: readonly SentEntry[];
}

/** What the SQL function send_message takes. */
export function toParameters({
  threadId,
  authorId,
  content,
  clientMessageId,
}: Send): (string | null)[] {
  const { messageType, body, replyToId, digest, location, system } = content;
  const details = location ?? system;
  return [
    threadId,
    authorId,
    messageType,
    body,
    replyToId,
    clientMessageId,
    `\\x${digest}`,
    details === null ? null : JSON.stringify(details),
  ];
}

/** What send_messages takes: the same of several sends, as one array per column. */
export function toArrays(sends: readonly Send[]): ((string | null)[] | null)[] {
  const rows = sends.map(toParameters);
  const columns = (rows[0] ?? []).map((_, column) =>
    rows.map((row) => row[column] as string | null),
  );
  // Mostly no send is a reply, and none has details: there is no array to read then.
  return columns.map((column) => (column.every((value) => value === null) ? null : column));
}

/** What both give: arrays of the same order, and the journal entries as one array per column. */
export type Sent = readonly [
  outcomes: readonly string[],
  ids: readonly string[],
  sequences: readonly number[],
  instants: readonly (string | null)[],
  names: readonly (string | null)[],
  avatars: readonly (string | null)[],
  entries:
    | readonly [
        userIds: readonly string[],
        positions: readonly number[],
        places: readonly number[],
        unreadMessages: readonly number[],
        unreadThreads: readonly number[],
      ]
    | null,
];

export function toBatch([
  outcomes,
  ids,
  sequences,
  instants,
  names,
  avatars,
  entries,
]: Sent): SentBatch {
  const [userIds = [], positions, places, unreadMessages, unreadThreads] = entries ?? [];
  return {
    outcomes: outcomes.map((outcome, at) => ({
      outcome,
      id: ids[at] as string,
      sequence: sequences[at] as number,
      sentAt: toInstantOrNull(instants[at] ?? null) as Instant,
      senderDisplayName: names[at] ?? null,
      senderAvatarUrl: avatars[at] ?? null,
    })),
    entries: userIds.map((userId, at) => ({
      userId,
      position: positions?.[at] as number,
      place: places?.[at] as number,
      unreadMessageCount: unreadMessages?.[at] as number,
      unreadThreadCount: unreadThreads?.[at] as number,
    })),
  };
}

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
