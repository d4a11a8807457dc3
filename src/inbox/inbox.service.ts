import { Injectable } from '@nestjs/common';
import type { Viewer } from '../auth/viewer.js';
import { AppError, ErrorCode } from '../errors.js';
import { EventBus } from '../events/event-bus.js';
import { decodePosition, encodePosition, resyncRequired } from './cursor.js';
import { Hub } from './hub.js';
import type { JournalEntry, JournalEvent, JournalFilter } from './journal-entry.js';
import { JournalRepository } from './journal.repository.js';
import type { JournalState } from './journal-entry.js';
import { JournalStream, toEvents } from './journal-stream.js';

export const MAX_SYNC = 500;
/** Entries of an answer where the client does not say how many. */
export const DEFAULT_SYNC = 100;

/** A journal's answer to a client that was away. */
export interface SyncPage {
  readonly events: JournalEvent[];
  readonly cursor: string;
  readonly hasMore: boolean;
}

/** The positions of people whose journals grew in a transaction, as the writing functions return them. */
export type Hints = Readonly<Record<string, number>>;

@Injectable()
export class InboxService {
  constructor(
    private readonly journals: JournalRepository,
    private readonly hub: Hub,
    private readonly bus: EventBus,
  ) {}

  /** Tells the bus, after the commit; nobody waits for it and nobody depends on it. */
  announce(hints: Hints): void {
    for (const [userId, position] of Object.entries(hints))
      this.bus.publish({ type: 'inboxGrew', userId, position });
  }

  /**
   * The same with the entries themselves, oldest first for each person: this node need not read them again.
   * @returns whether anybody follows one of these journals on this node
   */
  announceEntries(entries: readonly (readonly [userId: string, JournalEntry])[]): boolean {
    const grown = new Map<string, JournalEntry[]>();
    for (const [userId, entry] of entries) {
      const known = grown.get(userId);
      if (known === undefined) grown.set(userId, [entry]);
      else known.push(entry);
    }
    let areFollowed = false;
    for (const [userId, own] of grown) {
      if (this.hub.offer(userId, own)) areFollowed = true;
      this.bus.publish({ type: 'inboxGrew', userId, position: own.at(-1)?.position ?? 0 });
    }
    return areFollowed;
  }

  /** The viewer's totals and journal position, in one statement. Zeros for a service, which has no journal. */
  stateOf(viewer: Viewer): Promise<JournalState> {
    return this.journals.stateOf(viewer.userId);
  }

  cursorOf(viewer: Viewer, state: JournalState): string {
    return encodePosition(state.epoch, viewer.userId, state.position);
  }

  /**
   * The viewer's journal as a stream: everything after `after`, or from now on.
   * @param announce whether an InboxReady event comes first
   * @throws AppError BAD_USER_INPUT or RESYNC_REQUIRED for the cursor, FORBIDDEN for a service
   */
  stream(
    viewer: Viewer,
    filter: JournalFilter,
    after: string | null,
    announce = false,
  ): Promise<JournalStream> {
    requireJournal(viewer);
    return JournalStream.open(this.hub, viewer, filter, async () => {
      const { epoch, position: head, ...state } = await this.journals.stateOf(viewer.userId);
      const position =
        after === null
          ? head
          : decodePosition(after, epoch, viewer.userId, { ...state, position: head });
      const { unreadMessageCount, unreadThreadCount } = state;
      const cursor = encodePosition(epoch, viewer.userId, position);
      const ready = announce
        ? {
            kind: 'READY' as const,
            cursor,
            at: new Date().toISOString(),
            unreadMessageCount,
            unreadThreadCount,
          }
        : null;
      return { epoch, position, head, ready };
    });
  }

  /**
   * What happened after a cursor, at most `first` entries; without one only the cursor of now.
   * @throws AppError BAD_USER_INPUT or RESYNC_REQUIRED for the cursor, FORBIDDEN for a service
   */
  async sync(viewer: Viewer, after: string | null, first: number): Promise<SyncPage> {
    requireJournal(viewer);
    const state = await this.journals.stateOf(viewer.userId);
    if (after === null) return { events: [], cursor: this.cursorOf(viewer, state), hasMore: false };
    const from = decodePosition(after, state.epoch, viewer.userId, state);
    const entries = await this.journals.readAfter(viewer.userId, from, first);
    // Since the look at the journal, what should follow may have been trimmed away.
    if ((entries[0]?.position ?? state.position + 1) !== from + 1) throw resyncRequired();
    const last = entries.at(-1)?.position ?? from;
    return {
      events: toEvents(
        entries.filter((entry) => entry.visible),
        state.epoch,
        viewer.userId,
      ),
      cursor: encodePosition(state.epoch, viewer.userId, last),
      hasMore: last < state.position,
    };
  }
}

function requireJournal(viewer: Viewer): void {
  if (viewer.isService)
    throw new AppError(ErrorCode.FORBIDDEN, 'A service has no journal: ask with a person’s token.');
}
