import type { Detail } from '../database/columns.js';
import type { ThreadAddition, ThreadColumns } from '../threads/thread-columns.js';
import type { ThreadRow } from '../threads/thread-rows.js';
import type { UserRow } from '../users/user-rows.js';
import { messageColumns, messageReader } from './message-columns.js';
import type { MessageRow } from './message-rows.js';

const PREFIX = 'lastMessage.';
/** What the thread knows of it. */
const KNOWN: readonly string[] = ['threadId', 'sequence'];

const additionOf = (detail: Detail): ThreadAddition => ({
  name: `l_${detail}`,
  join: 'LEFT JOIN messages m ON m.id = t.last_message_id',
  columns: Object.fromEntries(
    Object.entries(messageColumns(detail))
      .filter(([name]) => !KNOWN.includes(name))
      .map(([name, expression]) => [PREFIX + name, expression]),
  ),
  people: [`${PREFIX}authorId`],
});

/** What a list of threads reads with each thread, where its last messages are asked for: one round trip for both. */
export const LAST_MESSAGES: Readonly<Record<Detail, ThreadAddition>> = {
  plain: additionOf('plain'),
  whole: additionOf('whole'),
};

/** Puts their last messages into the threads of a page, where the field of that name finds them. */
export function withLastMessages(
  threads: readonly ThreadRow[],
  columns: ThreadColumns,
  userOf: (id: string) => UserRow,
): (ThreadRow & { lastMessage: MessageRow | null })[] {
  const added = Object.fromEntries(
    Object.entries(columns)
      .filter(([name]) => name.startsWith(PREFIX))
      .map(([name, column]) => [name.slice(PREFIX.length), column]),
  );
  const known = { threadId: columns.id, sequence: columns.lastSequence };
  const messageAt = messageReader({ ...added, ...known }, userOf);
  return threads.map((thread, index) =>
    Object.assign(thread, {
      lastMessage: thread.lastSequence === 0 ? null : messageAt(index),
    }),
  );
}
