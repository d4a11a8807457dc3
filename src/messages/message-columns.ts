import type { Columns, Detail, People } from '../database/columns.js';
import { asColumns, columnsFor, peopleOf, rowOf } from '../database/columns.js';
import { toInstant, toInstantOrNull } from '../instants.js';
import type { UserRow } from '../users/user-rows.js';
import { userOf } from '../users/user-rows.js';
import type { MessageRow } from './message-rows.js';

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

export type MessageColumns = Columns<Stored> & { readonly people: People };

export const messageColumns = (detail: Detail): Readonly<Record<string, string>> =>
  columnsFor(EXPRESSIONS, detail, RARE);

const COLUMNS: Readonly<Record<Detail, string>> = {
  plain: asColumns(messageColumns('plain')),
  whole: asColumns(messageColumns('whole')),
};

/** @param page a SELECT of whole messages in the order of the page */
export const selectMessages = (page: string, detail: Detail = 'whole'): string =>
  `WITH page AS MATERIALIZED (${page})
   SELECT ${COLUMNS[detail]}, ${peopleOf('SELECT p.author_id FROM page p')} AS people FROM page m`;

export function toMessages(columns: MessageColumns): MessageRow[] {
  const senders = new Map<string, UserRow>();
  return (columns.id ?? []).map((_, index) => messageAt(columns, index, senders));
}

/**
 * The message at a place of the page.
 * @param senders those of the page so far, so that the messages of one share one
 */
export function messageAt(
  columns: MessageColumns,
  index: number,
  senders: Map<string, UserRow>,
): MessageRow {
  const at = rowOf<Stored>(columns, index);
  const authorId = at('authorId');
  const isPersons = at('messageType') !== 'SYSTEM';
  return {
    id: at('id'),
    threadId: at('threadId'),
    sequence: at('sequence'),
    authorId,
    senderUserId: isPersons ? authorId : null,
    sender: isPersons ? senderOf(authorId, senders, columns.people) : null,
    body: at('body'),
    messageType: at('messageType'),
    latitude: at('latitude'),
    longitude: at('longitude'),
    locationLabel: at('locationLabel'),
    systemCode: at('systemCode'),
    systemParams: at('systemParams'),
    replyToId: at('replyToId'),
    clientMessageId: at('clientMessageId'),
    sentAt: toInstant(at('sentAt')),
    editedAt: toInstantOrNull(at('editedAt')),
    deletedAt: toInstantOrNull(at('deletedAt')),
  };
}

function senderOf(id: string, senders: Map<string, UserRow>, people: People): UserRow {
  let sender = senders.get(id);
  if (sender === undefined) {
    sender = userOf(id, people);
    senders.set(id, sender);
  }
  return sender;
}
