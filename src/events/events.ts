// What can travel between nodes. Hints and passing states only: everything here may be lost without losing a fact.

/** The journal of `userId` stands at `position` now. */
export interface InboxGrew {
  readonly type: 'inboxGrew';
  readonly userId: string;
  readonly position: number;
}

/** `userId` types in a thread for `leftMs` more, 0 for a stop. No instant, for nodes have clocks of their own. */
export interface TypingSignalled {
  readonly type: 'typingSignalled';
  readonly threadId: string;
  readonly userId: string;
  readonly leftMs: number;
}

/** How many live sockets `userId` has on `nodeId`. */
export interface PresenceReported {
  readonly type: 'presenceReported';
  readonly nodeId: string;
  readonly userId: string;
  readonly sockets: number;
}

/** `nodeId` may have missed reports: the others repeat who is connected to them. */
export interface PresenceAsked {
  readonly type: 'presenceAsked';
  readonly nodeId: string;
}

export type BusEvent = InboxGrew | TypingSignalled | PresenceReported | PresenceAsked;
