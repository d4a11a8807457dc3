import { Injectable, Logger } from '@nestjs/common';
import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { Config } from '../config.js';
import { EventBus } from '../events/event-bus.js';
import type { JournalEntry } from './journal-entry.js';
import { JournalFeed } from './journal-feed.js';
import type { JournalReader } from './journal-feed.js';
import { JournalRepository } from './journal.repository.js';

/**
 * One entry per connected person of this node: hints in, journal entries out. Hints only make it quick: a sweep asks
 * PostgreSQL every moment where the journals of all connected people stand, so a lost hint costs time and nothing else.
 */
@Injectable()
export class Hub implements OnModuleInit, OnModuleDestroy {
  readonly #feeds = new Map<string, JournalFeed>();
  readonly #logger = new Logger('Hub');
  #sweeper: NodeJS.Timeout | undefined;
  #sweeping = false;
  /** People of whom something may have been missed. */
  readonly #suspects = new Set<string>();
  #checking = false;
  #stopListening: () => void = () => undefined;

  constructor(
    private readonly journals: JournalRepository,
    private readonly bus: EventBus,
    private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.#stopListening = this.bus.listen((event) => {
      if (event.type === 'inboxGrew') this.#feeds.get(event.userId)?.advanceTo(event.position);
    });
    this.#sweeper = setInterval(() => void this.sweep(), this.config.INBOX_SWEEP_MS);
  }

  onModuleDestroy(): void {
    clearInterval(this.#sweeper);
    this.#stopListening();
  }

  /** How many people have a live stream on this node; for metrics and for the tests' leak check. */
  get size(): number {
    return this.#feeds.size;
  }

  /**
   * Starts to serve a reader, before its first look at the journal: what is committed from now on is either found by
   * that look or announced to the feed.
   */
  attach(userId: string, reader: JournalReader): void {
    let feed = this.#feeds.get(userId);
    if (feed === undefined) {
      const unfollow = this.bus.follow(userId, () => {
        this.#suspect(userId);
      });
      feed = new JournalFeed(userId, this.journals, unfollow);
      this.#feeds.set(userId, feed);
    }
    feed.add(reader);
  }

  /** Ends what attach() began, once or again; the last reader of a person takes the entry away. */
  detach(userId: string, reader: JournalReader): void {
    const feed = this.#feeds.get(userId);
    if (feed === undefined || feed.remove(reader) > 0) return;
    this.#feeds.delete(userId);
    feed.end();
  }

  /**
   * Entries that this node has just written, in order; they are committed.
   * @returns whether anybody follows the person's journal here
   */
  offer(userId: string, entries: readonly JournalEntry[]): boolean {
    const feed = this.#feeds.get(userId);
    feed?.offer(entries);
    return feed !== undefined;
  }

  /**
   * A reader has become able to take (more).
   * @param head where the reader knows the journal to stand
   */
  resume(userId: string, head = 0): void {
    const feed = this.#feeds.get(userId);
    feed?.advanceTo(head);
    feed?.pump();
  }

  /** Hints to this person may have been lost until now: looks at once instead of with the next sweep. */
  #suspect(userId: string): void {
    this.#suspects.add(userId);
    if (this.#checking) return;
    this.#checking = true;
    setImmediate(() => void this.#check());
  }

  async #check(): Promise<void> {
    try {
      while (this.#suspects.size > 0) {
        const suspects = [...this.#suspects];
        this.#suspects.clear();
        await this.#compare(suspects);
      }
    } catch (error) {
      this.#logger.warn(`A look at the journals failed: ${(error as Error).message}`);
    } finally {
      this.#checking = false;
    }
  }

  async #compare(userIds: readonly string[]): Promise<void> {
    const looks = userIds.map((userId) => this.#feeds.get(userId)?.look());
    const { epoch, positions } = await this.journals.positionsOf(userIds);
    for (const [index, userId] of userIds.entries())
      looks[index]?.(epoch, positions.get(userId) ?? 0);
  }

  /** Compares every feed with PostgreSQL; each of its readers is behind or not by its own position. */
  async sweep(): Promise<void> {
    if (this.#sweeping || this.#feeds.size === 0) return;
    this.#sweeping = true;
    try {
      await this.#compare([...this.#feeds.keys()]);
    } catch (error) {
      this.#logger.warn(`The sweep failed, the next one tries again: ${(error as Error).message}`);
    } finally {
      this.#sweeping = false;
    }
  }
}
