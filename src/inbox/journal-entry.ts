import type { Instant } from '../instants.js';
import type { JournalBounds } from './cursor.js';

export type JournalKind =
  | 'MESSAGE_ADDED'
  | 'MESSAGE_UPDATED'
  | 'MESSAGE_READ'
  | 'MESSAGE_DELIVERED'
  | 'THREAD_UPDATED'
  | 'THREAD_REMOVED'
  | 'NOTIFICATION_ADDED';

/** One entry of a person's journal, as it is stored: references, no text. */
export interface JournalEntry {
  readonly position: number;
  readonly at: Instant;
  readonly kind: JournalKind;
  readonly threadId: string;
  readonly messageId: string | null;
  /** The reader of a receipt. */
  readonly actorId: string | null;
  readonly upToSequence: number | null;
  readonly notificationId: string | null;
  /** The person's totals as of this entry. */
  readonly unreadMessageCount: number;
  readonly unreadThreadCount: number;
  /** Whether the person may still see what it names. */
  readonly visible: boolean;
  /** What the writer knows of it, by the names of the event's fields: this node need not read it again. */
  readonly known?: Readonly<Record<string, unknown>>;
}

/** An entry on its way to a client. */
export interface JournalEvent extends JournalEntry {
  readonly cursor: string;
}

/** What a reader of the journal wants of it. */
export interface JournalFilter {
  /** All kinds unless told. */
  readonly kinds?: readonly JournalKind[];
  /** All threads unless told. */
  readonly threadId?: string;
}

export const matches = (filter: JournalFilter, entry: JournalEntry): boolean =>
  entry.visible &&
  (filter.kinds === undefined || filter.kinds.includes(entry.kind)) &&
  (filter.threadId === undefined || filter.threadId === entry.threadId);

/** A journal's bounds with the person's totals, read in one statement. */
export interface JournalState extends JournalBounds {
  readonly epoch: string;
  readonly unreadMessageCount: number;
  readonly unreadThreadCount: number;
}
