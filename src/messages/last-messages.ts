import type { ThreadAddition, ThreadColumns } from '../threads/thread-columns.js';
import type { ThreadRow } from '../threads/thread-rows.js';
import type { MessageColumns } from './message-columns.js';
import { MESSAGE_EXPRESSIONS, toMessages } from './message-columns.js';
import type { MessageRow } from './message-rows.js';

const PREFIX = 'lastMessage.';

/** What a list of threads reads with each thread, where its last messages are asked for: one round trip for both. */
export const LAST_MESSAGES: ThreadAddition = {
  name: 'last_messages',
  join: 'LEFT JOIN messages m ON m.id = t.last_message_id',
  columns: Object.fromEntries(
    Object.entries(MESSAGE_EXPRESSIONS).map(([name, expression]) => [PREFIX + name, expression]),
  ),
  people: [`${PREFIX}authorId`],
};

/** Puts their last messages into the threads of a page, where the field of that name finds them. */
export function withLastMessages(
  threads: readonly ThreadRow[],
  columns: ThreadColumns | undefined,
): (ThreadRow & { lastMessage: MessageRow | null })[] {
  if (columns === undefined || threads.length === 0) return [];
  const added = columns as unknown as Readonly<Record<string, unknown>>;
  const messages = toMessages({
    ...Object.fromEntries(
      Object.keys(MESSAGE_EXPRESSIONS).map((name) => [name, added[PREFIX + name]]),
    ),
    people: columns.people,
  } as unknown as MessageColumns);
  return threads.map((thread, index) =>
    Object.assign(thread, { lastMessage: messages[index] ?? null }),
  );
}
