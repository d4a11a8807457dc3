import type { Instant } from '../instants.js';
import type { MessageRow, ReaderRow } from './message-rows.js';
import { MessageStatus } from './message.model.js';

/** How far a message has come. @param others everybody but its author, in the order of reading */
export function statusOf(others: readonly ReaderRow[]): MessageStatus {
  if (others.length === 0) return MessageStatus.SENT;
  if (others.every(({ readAt }) => readAt !== null)) return MessageStatus.READ;
  return others.every(({ delivered }) => delivered) ? MessageStatus.DELIVERED : MessageStatus.SENT;
}

/** When the last of the others had read it; null while somebody has not. */
export function readAtOf(others: readonly ReaderRow[]): Instant | null {
  let last: Instant | null = null;
  for (const { readAt } of others) {
    if (readAt === null) return null;
    if (last === null || readAt > last) last = readAt;
  }
  return last;
}

export const readersOf = (others: readonly ReaderRow[]): readonly ReaderRow[] =>
  others.filter(({ readAt }) => readAt !== null);

/** The fields that come from receipts. */
export const RECEIPT_FIELDS = ['status', 'readAt', 'readBy'] as const;

interface Receipts {
  status: MessageStatus;
  readAt: Instant | null;
  readBy: readonly ReaderRow[];
}

/**
 * Puts them into messages, where the fields of these names find them.
 * @param readers of each message, in their order
 */
export function putReceipts(
  messages: readonly MessageRow[],
  readers: readonly (readonly ReaderRow[])[],
): void {
  for (const [index, message] of messages.entries()) {
    const others = readers[index] ?? [];
    // Set one by one: Object.assign is slow (docs/performance.md).
    const shown = message as MessageRow & Receipts;
    shown.status = statusOf(others);
    shown.readAt = readAtOf(others);
    shown.readBy = readersOf(others);
  }
}
