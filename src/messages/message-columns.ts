import type { Columns, Detail, People } from '../database/columns.js';
import { columnsFor, selectPage, valueAt } from '../database/columns.js';
import { toInstant, toInstantOrNull } from '../instants.js';
import type { UserRow } from '../users/user-rows.js';
import { userReader } from '../users/user-rows.js';
import type { MessageRow } from './message-rows.js';
import type { Standing } from './readers.js';

type Stored = Omit<MessageRow, 'senderUserId' | 'sender'>;

/** What is read of a message `m`, by the names of the row's properties. */
const EXPRESSIONS: Readonly<Record<keyof Stored, string>> = {
  id: 'm.id',
  threadId: 'm.thread_id',
  sequence: 'm.sequence',
  authorId: 'm.author_id',
  body: 'm.body',
  messageType: 'm.message_type',
  latitude: 'm.latitude',
  longitude: 'm.longitude',
  locationLabel: 'm.location_label',
  systemCode: 'm.system_code',
  systemParams: 'm.system_params',
  replyToId: 'm.reply_to_id',
  clientMessageId: 'm.client_message_id',
  sentAt: 'm.sent_at',
  editedAt: 'm.edited_at',
  deletedAt: 'm.deleted_at',
};

const RARE: readonly (keyof Stored)[] = [
  'latitude',
  'longitude',
  'locationLabel',
  'systemCode',
  'systemParams',
  'replyToId',
  'clientMessageId',
  'editedAt',
  'deletedAt',
];

/** The fields of the API that a plain message answers. */
export const PLAIN_MESSAGE_FIELDS: ReadonlySet<string> = new Set([
  'id',
  'threadId',
  'thread',
  'authorId',
  'sequence',
  'senderUserId',
  'sender',
  'body',
  'messageType',
  'sentAt',
  'status',
  'readAt',
  'readBy',
]);

export type StoredColumns = Columns<Stored>;
export type MessageColumns = StoredColumns & {
  readonly people: People;
  /** Where the page was read with them. */
  readonly standings?: readonly Standing[];
};

export const messageColumns = (detail: Detail): Readonly<Record<string, string>> =>
  columnsFor(EXPRESSIONS, detail, RARE);

/**
 * @param page a SELECT of whole messages in the order of the page
 * @param ofThread whether all of them are of one thread, which toMessages is told then
 * @param standings of everybody in it, for the receipts, where they are asked for
 */
export function selectMessages(
  page: string,
  detail: Detail = 'whole',
  ofThread = false,
  standings?: string,
): string {
  const { threadId, ...columns } = messageColumns(detail);
  const expressions = ofThread || threadId === undefined ? columns : { threadId, ...columns };
  const more = standings === undefined ? {} : { standings };
  return selectPage([page, 'm'], expressions, ['page."authorId"'], more);
}

/** @param threadId of all of them, where the page does not say it of each */
export function toMessages(columns: MessageColumns, threadId?: string): MessageRow[] {
  const messageAt = messageReader(columns, userReader(columns.people), threadId);
  return (columns.id ?? []).map((_, index) => messageAt(index));
}

/** @returns the message at a place of the page */
export function messageReader(
  columns: StoredColumns,
  userOf: (id: string) => UserRow,
  ofThread?: string,
): (index: number) => MessageRow {
  const { id, threadId, sequence, body, messageType, sentAt } = columns;
  const { latitude, longitude, locationLabel, systemCode, systemParams } = columns;
  const { replyToId, clientMessageId, editedAt, deletedAt } = columns;
  return (index) => {
    const authorId = valueAt(columns.authorId, index);
    const type = valueAt(messageType, index);
    const isPersons = type !== 'SYSTEM';
    return {
      id: valueAt(id, index),
      threadId: ofThread ?? valueAt(threadId, index),
      sequence: valueAt(sequence, index),
      authorId,
      senderUserId: isPersons ? authorId : null,
      sender: isPersons ? userOf(authorId) : null,
      body: valueAt(body, index),
      messageType: type,
      latitude: valueAt(latitude, index),
      longitude: valueAt(longitude, index),
      locationLabel: valueAt(locationLabel, index),
      systemCode: valueAt(systemCode, index),
      systemParams: valueAt(systemParams, index),
      replyToId: valueAt(replyToId, index),
      clientMessageId: valueAt(clientMessageId, index),
      sentAt: toInstant(valueAt(sentAt, index)),
      editedAt: toInstantOrNull(valueAt(editedAt, index)),
      deletedAt: toInstantOrNull(valueAt(deletedAt, index)),
    };
  };
}
