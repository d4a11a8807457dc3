import type { Detail } from '../database/columns.js';
import { detailFor } from '../graphql/selection.js';
import type { ThreadAddition, ThreadColumns } from '../threads/thread-columns.js';
import type { ThreadRow } from '../threads/thread-rows.js';
import type { UserRow } from '../users/user-rows.js';
import { unnamed } from '../users/user-rows.js';
import type { StoredColumns } from './message-columns.js';
import { messageColumns, messageReader, PLAIN_MESSAGE_FIELDS } from './message-columns.js';
import type { MessageRow } from './message-rows.js';

const PREFIX = 'lastMessage.';
/** What the thread knows of it. */
const KNOWN: readonly string[] = ['threadId', 'sequence', 'sentAt'];
/** And where it knows all that is asked for, the message itself is not looked up. */
const IN_THREAD: Readonly<Record<string, string>> = {
  id: 't.last_message_id',
  authorId: 't.last_message_author_id',
  messageType: 't.last_message_type',
  body: 't.last_message_body',
};

const prefixed = (columns: readonly (readonly [string, string])[]): Record<string, string> =>
  Object.fromEntries(columns.map(([name, expression]) => [PREFIX + name, expression]));

const AUTHOR = `${PREFIX}authorId`;

/** The columns of a plain or a whole last message, without its author's name and with it. */
const additionsOf = (
  detail: Detail,
  join: string,
  columns: readonly (readonly [string, string])[],
): Readonly<Record<'unnamed' | 'named', ThreadAddition>> => {
  const addition = {
    name: `l_${detail}`,
    join,
    columns: prefixed(columns),
    people: [AUTHOR],
    named: [],
    showsThread: false,
  };
  return { unnamed: addition, named: { ...addition, named: [AUTHOR] } };
};

const ADDITIONS = {
  plain: additionsOf('plain', '', Object.entries(IN_THREAD)),
  whole: additionsOf(
    'whole',
    'LEFT JOIN messages m ON m.id = t.last_message_id',
    Object.entries(messageColumns('whole')).filter(([name]) => !KNOWN.includes(name)),
  ),
};

/** The thread of the last message may show that message again, and of it anything. */
const WITH_THREAD: ThreadAddition = { ...ADDITIONS.whole.named, showsThread: true };

/** What a list of threads reads with each thread for these fields of its last message: one round trip for both. */
export function lastMessagesFor(fields: ReadonlySet<string>): ThreadAddition {
  if (fields.has('thread')) return WITH_THREAD;
  const additions = ADDITIONS[detailFor(fields, PLAIN_MESSAGE_FIELDS)];
  return fields.has('sender') ? additions.named : additions.unnamed;
}

/** The columns of a page of threads that are its last messages'. */
type LastColumns = {
  readonly [Name in keyof StoredColumns as `${typeof PREFIX}${Name}`]?: StoredColumns[Name];
};

/**
 * As of a page of messages. They are written out, for V8 gives an object whose names are put together anew for each page a
 * shape of its own each time, and whatever reads it must learn that shape (docs/performance.md).
 */
const columnsOfLast = (page: ThreadColumns & LastColumns): Required<StoredColumns> => ({
  id: page['lastMessage.id'],
  threadId: page.id,
  sequence: page.lastSequence,
  authorId: page['lastMessage.authorId'],
  body: page['lastMessage.body'],
  messageType: page['lastMessage.messageType'],
  latitude: page['lastMessage.latitude'],
  longitude: page['lastMessage.longitude'],
  locationLabel: page['lastMessage.locationLabel'],
  systemCode: page['lastMessage.systemCode'],
  systemParams: page['lastMessage.systemParams'],
  replyToId: page['lastMessage.replyToId'],
  clientMessageId: page['lastMessage.clientMessageId'],
  sentAt: page.activityAt,
  editedAt: page['lastMessage.editedAt'],
  deletedAt: page['lastMessage.deletedAt'],
});

/** A thread of the list with its last message, which is of that very thread, whatever happens to it meanwhile. */
type Shown = ThreadRow & { lastMessage: (MessageRow & { thread?: ThreadRow }) | null };

/**
 * Puts their last messages into the threads of a page, where the field of that name finds them; and where an answer shows it, the
 * thread into its message.
 */
export function withLastMessages(
  threads: readonly ThreadRow[],
  columns: ThreadColumns,
  userOf: (id: string) => UserRow,
  { named, showsThread }: ThreadAddition,
): Shown[] {
  const messageAt = messageReader(columnsOfLast(columns), named.length > 0 ? userOf : unnamed);
  return threads.map((thread, index) => {
    // Set in place: a copy of each thread, or Object.assign, takes longer than all else that is done here.
    const shown = thread as Shown;
    shown.lastMessage = thread.lastSequence === 0 ? null : messageAt(index);
    if (showsThread && shown.lastMessage !== null) shown.lastMessage.thread = shown;
    return shown;
  });
}
