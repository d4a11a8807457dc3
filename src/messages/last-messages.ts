import type { Columns, Detail } from '../database/columns.js';
import { detailFor } from '../graphql/selection.js';
import type { ThreadAddition, ThreadColumns } from '../threads/thread-columns.js';
import type { ThreadRow } from '../threads/thread-rows.js';
import type { UserRow } from '../users/user-rows.js';
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

const ADDITIONS: Readonly<Record<Detail, Pick<ThreadAddition, 'name' | 'join' | 'columns'>>> = {
  plain: {
    name: 'l_plain',
    join: '',
    columns: prefixed(Object.entries(IN_THREAD)),
  },
  whole: {
    name: 'l_whole',
    join: 'LEFT JOIN messages m ON m.id = t.last_message_id',
    columns: prefixed(
      Object.entries(messageColumns('whole')).filter(([name]) => !KNOWN.includes(name)),
    ),
  },
};

/** What a list of threads reads with each thread for these fields of its last message: one round trip for both. */
export function lastMessagesFor(fields: ReadonlySet<string>): ThreadAddition {
  // The thread of the last message may show that message again, and of it anything.
  const showsThread = fields.has('thread');
  return {
    ...ADDITIONS[showsThread ? 'whole' : detailFor(fields, PLAIN_MESSAGE_FIELDS)],
    people: { [`${PREFIX}authorId`]: showsThread || fields.has('sender') },
    showsThread,
  };
}

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
  { showsThread }: ThreadAddition,
): Shown[] {
  const added = Object.fromEntries(
    Object.entries(columns)
      .filter(([name]) => name.startsWith(PREFIX))
      .map(([name, column]) => [name.slice(PREFIX.length), column]),
  );
  const known = {
    threadId: columns.id,
    sequence: columns.lastSequence,
    sentAt: columns.lastMessageAt as Columns<MessageRow>['sentAt'],
  };
  const messageAt = messageReader({ ...added, ...known }, userOf);
  return threads.map((thread, index) => {
    // Set in place: a copy of each thread, or Object.assign, takes longer than all else that is done here.
    const shown = thread as Shown;
    shown.lastMessage = thread.lastSequence === 0 ? null : messageAt(index);
    if (showsThread && shown.lastMessage !== null) shown.lastMessage.thread = shown;
    return shown;
  });
}
