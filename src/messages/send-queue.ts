import { Injectable } from '@nestjs/common';
import { isLockTimeout } from '../database/database-errors.js';
import { AppError, ErrorCode } from '../errors.js';
import { InboxService } from '../inbox/inbox.service.js';
import type { JournalEntry } from '../inbox/journal-entry.js';
import type { MessageRow } from './message-rows.js';
import { MessagesRepository } from './messages.repository.js';
import type { Send, SendOutcome, SentEntry } from './send.js';
import { asStored } from './send.js';

/** Sends of one batch; more wait for the next one. */
const LARGEST_BATCH = 64;
/** So many are worth a second batch beside the first: the processors are not to idle while that one is committed. */
const WORTH_A_SECOND = 8;
/** Turns of the event loop in which a batch may go on growing before it starts. */
const MOST_TURNS = 16;
/** A batch that takes longer than this waits for a lock that somebody else holds; others need not wait with it. */
const SLOW_MS = 50;
const MOST_BATCHES = 4;
/** Whoever has waited so long is refused instead: the database does not keep up. */
const PATIENCE_MS = 15_000;

interface Waiting {
  readonly send: Send;
  readonly since: number;
  readonly resolve: (outcome: SendOutcome) => void;
  readonly reject: (error: unknown) => void;
}

const TOO_BUSY = 'The database does not keep up at the moment. Try again.';

interface Batch {
  readonly startedAt: number;
  readonly threadIds: ReadonlySet<string>;
}

/**
 * Sends what is waiting in one statement and one commit. While a batch is under way the next one gathers, so nothing
 * waits for a timer unless a batch is stuck: an idle node sends at once, a busy one in batches as large as its load. It buys
 * a round trip, a commit and most of a statement's fixed cost per message (docs/performance.md). The sends to a thread keep
 * their order.
 */
@Injectable()
export class SendQueue {
  #waiting: Waiting[] = [];
  #isStarting = false;
  #later: NodeJS.Timeout | undefined;
  readonly #underWay = new Set<Batch>();

  constructor(
    private readonly messages: MessagesRepository,
    private readonly inbox: InboxService,
  ) {}

  send(send: Send): Promise<SendOutcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ send, since: performance.now(), resolve, reject });
      this.#startSoon();
    });
  }

  #startSoon(): void {
    if (this.#isStarting) return;
    this.#isStarting = true;
    this.#gather(0, 1);
  }

  /**
   * After the requests that are being read in this turn of the event loop, and in the next ones as long as each brings more:
   * clients who were told of the same batch answer it one right after the other, and the first of them is not to be a batch
   * of its own. It is no wait, for a turn that brings nothing is over at once.
   */
  #gather(known: number, turn: number): void {
    setImmediate(() => {
      const { length } = this.#waiting;
      if (length > known && length < LARGEST_BATCH && turn < MOST_TURNS) {
        this.#gather(length, turn + 1);
        return;
      }
      this.#isStarting = false;
      this.#start();
    });
  }

  #start(): void {
    if (this.#waiting.length === 0) return;
    if (!this.#isFree()) {
      this.#startLater();
      return;
    }
    const taken = this.#take();
    if (taken.length === 0) return;
    const batch = {
      startedAt: performance.now(),
      threadIds: new Set(taken.map(({ send }) => send.threadId)),
    };
    this.#underWay.add(batch);
    void this.#run(taken).finally(() => {
      this.#underWay.delete(batch);
      this.#startSoon();
    });
  }

  /** What waits behind a batch that turns out to be stuck must not need another send to be noticed. */
  #startLater(): void {
    if (this.#later !== undefined) return;
    this.#later = setTimeout(() => {
      this.#later = undefined;
      this.#start();
    }, SLOW_MS + 1);
  }

  /** Few sends are the fastest in one batch at a time; another one then only passes by those that are stuck. */
  #isFree(): boolean {
    if (this.#underWay.size >= MOST_BATCHES) return false;
    if (this.#underWay.size === 1 && this.#waiting.length >= WORTH_A_SECOND) return true;
    const now = performance.now();
    return [...this.#underWay].every(({ startedAt }) => now - startedAt > SLOW_MS);
  }

  /** The oldest of what waits; what repeats another of the batch, or follows another to its thread, waits on. */
  #take(): Waiting[] {
    const taken: Waiting[] = [];
    const left: Waiting[] = [];
    const keys = new Set<string>();
    const passedThreads = new Set<string>();
    for (const { threadIds } of this.#underWay) for (const id of threadIds) passedThreads.add(id);
    const deadline = performance.now() - PATIENCE_MS;
    for (const waiting of this.#waiting) {
      if (waiting.since < deadline) {
        waiting.reject(new AppError(ErrorCode.SERVICE_UNAVAILABLE, TOO_BUSY));
        continue;
      }
      const { authorId, threadId, clientMessageId } = waiting.send;
      const key = `${authorId}\0${clientMessageId}`;
      if (taken.length < LARGEST_BATCH && !keys.has(key) && !passedThreads.has(threadId)) {
        keys.add(key);
        taken.push(waiting);
      } else {
        passedThreads.add(threadId);
        left.push(waiting);
      }
    }
    this.#waiting = left;
    return taken;
  }

  async #run(batch: readonly Waiting[]): Promise<void> {
    try {
      const { outcomes, entries } = await this.messages.send(batch.map(({ send }) => send));
      const answer = (): void => {
        for (const [index, { resolve }] of batch.entries()) resolve(outcomes[index] as SendOutcome);
      };
      // Those who follow are told first, and the senders in the next turn: an answer wakes its client, which may take the
      // processor from the telling (docs/performance.md).
      if (this.inbox.announceEntries(toJournal(batch, outcomes, entries))) setImmediate(answer);
      else answer();
    } catch (error) {
      // Nothing has been written. Where the database is away, that is everybody's answer. Else one of them may be at fault or
      // stand before a lock, so each thread is tried for itself, and then, in their order, each of its sends.
      const isRefused = error instanceof AppError;
      const threads = isRefused && !isLockTimeout(error) ? [] : byThread(batch);
      if (threads.length > 1) await Promise.all(threads.map((sends) => this.#run(sends)));
      else if (batch.length > 1 && !isRefused)
        for (const waiting of batch) await this.#run([waiting]);
      else for (const { reject } of batch) reject(error);
    }
  }
}

function byThread(batch: readonly Waiting[]): Waiting[][] {
  const threads = new Map<string, Waiting[]>();
  for (const waiting of batch) {
    const { threadId } = waiting.send;
    const sends = threads.get(threadId);
    if (sends === undefined) threads.set(threadId, [waiting]);
    else sends.push(waiting);
  }
  return [...threads.values()];
}

/** What the journals say now, with the messages that this node need not read again to show them. */
function toJournal(
  batch: readonly Waiting[],
  outcomes: readonly SendOutcome[],
  entries: readonly SentEntry[],
): [userId: string, JournalEntry][] {
  const messages = new Map<number, MessageRow>();
  return entries.map(({ userId, position, place, unreadMessageCount, unreadThreadCount }) => {
    const { send } = batch[place - 1] as Waiting;
    const message = messages.get(place) ?? asStored(send, outcomes[place - 1] as SendOutcome);
    messages.set(place, message);
    const { threadId, id: messageId, sentAt: at } = message;
    const entry = {
      position,
      at,
      kind: 'MESSAGE_ADDED' as const,
      threadId,
      messageId,
      actorId: null,
      upToSequence: null,
      notificationId: null,
      unreadMessageCount,
      unreadThreadCount,
      visible: true,
      known: { message },
    };
    return [userId, entry];
  });
}
