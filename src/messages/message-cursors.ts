import type { Viewer } from '../auth/viewer.js';
import type { CursorForm } from '../graphql/list-cursors.js';
import { ID_SHAPE, ListCursors } from '../graphql/list-cursors.js';
import type { MessageRow, MessageSelection } from './message-rows.js';

/** The largest integer that PostgreSQL compares a sequence with. */
const LAST_SEQUENCE = 2_147_483_647;

const BY_SEQUENCE: CursorForm<MessageRow, number> = {
  kind: 'sequence',
  shape: /^(\d{1,10})$/,
  partsOf: ({ sequence }) => [sequence],
  keyOf: ([sequence]) => (Number(sequence) > LAST_SEQUENCE ? undefined : Number(sequence)),
};

const BY_ID: CursorForm<MessageRow, string> = {
  kind: 'message',
  shape: ID_SHAPE,
  partsOf: ({ id }) => [id],
  keyOf: ([id]) => id,
};

const filterOf = ({ senderUserId, messageType, unread }: MessageSelection): unknown[] => [
  senderUserId,
  messageType,
  unread,
];

/** Of the messages of one thread. */
export const cursorsOfThread = (
  threadId: string,
  selection: MessageSelection,
): ListCursors<MessageRow, number> =>
  new ListCursors(BY_SEQUENCE, [threadId.toLowerCase(), ...filterOf(selection)]);

/** Of the messages of all threads that the viewer sees. */
export const cursorsOfViewer = (
  { userId }: Viewer,
  selection: MessageSelection,
): ListCursors<MessageRow, string> => new ListCursors(BY_ID, [userId, ...filterOf(selection)]);
