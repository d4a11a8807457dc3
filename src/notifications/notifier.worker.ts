import type { OnApplicationBootstrap, OnModuleDestroy } from '@nestjs/common';
import { Injectable, Logger } from '@nestjs/common';
import { Config } from '../config.js';
import { EventBus } from '../events/event-bus.js';
import { NotifierRepository } from './notifier.repository.js';
import { NotifierService } from './notifier.service.js';

/** Hints are gathered for a moment, so that a burst is one transaction. */
const GATHER_MS = 40;
/**
 * After a batch the notifier rests: so many times what the work took, that the senders, who wait for an answer, have most
 * of the database; and so long for each person, that more messages of each share a batch, for a person costs as much as
 * several messages. But never so long that whoever is hinted by now would be told later than this for it.
 */
const REST = 3;
const REST_PER_PERSON_MS = 5;
const LONGEST_ROUND_MS = 1_000;
/** People who share a transaction. More would cost hardly less each, but senders to all of them wait until it is committed. */
const PEOPLE = 16;
/** A batch that takes longer stands before somebody else's lock; another passes by it. */
const SLOW_MS = 200;
const MOST_BATCHES = 2;
/** Hinted people that are remembered; beyond it the sweep finds them. */
const MAX_HINTED = 20_000;
/** People that one stretch of the round looks at. */
const STRETCH = 1_000;
/** Longer than any writing transaction lives, so that no thread's activity becomes visible behind the look back. */
const LOOK_BACK_SECONDS = 60;
const PRUNE_EVERY_MS = 600_000;

/**
 * Finds people whose journal has grown, without the send path knowing: hints from the bus make it quick. Lost hints are
 * made up for by two bounded looks: at threads with messages in the last minute, by the index that the list of threads has,
 * and a slow round over everybody, which is done at once when the node starts.
 */
@Injectable()
export class NotifierWorker implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #hinted = new Set<string>();
  /** Up to where somebody's journal is known to hold nothing new: one's own entries are hinted, too. */
  readonly #done = new Map<string, number>();
  readonly #logger = new Logger('Notifier');
  #stopListening: () => void = () => undefined;
  #sweeper: NodeJS.Timeout | undefined;
  #next: NodeJS.Timeout | undefined;
  #restUntil = 0;
  /** Batches, and when each was started. */
  readonly #underWay = new Map<Promise<void>, number>();
  #sweeping: Promise<void> = Promise.resolve();
  #isSweeping = false;
  #stopped = false;
  #place = '';
  #isFirstRound = true;
  #prunedAt = Date.now();

  constructor(
    private readonly notifier: NotifierService,
    private readonly people: NotifierRepository,
    private readonly bus: EventBus,
    private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.config.NOTIFIER) return;
    this.#stopListening = this.bus.listen((event) => {
      if (event.type !== 'inboxGrew' || event.position <= (this.#done.get(event.userId) ?? 0))
        return;
      this.#hint(event.userId);
    });
    this.#sweeper = setInterval(() => {
      if (!this.#isSweeping) this.#sweeping = this.#sweep();
    }, this.config.NOTIFIER_SWEEP_MS);
  }

  async onModuleDestroy(): Promise<void> {
    this.#stopped = true;
    this.#stopListening();
    clearInterval(this.#sweeper);
    clearTimeout(this.#next);
    await Promise.all([this.#sweeping, ...this.#underWay.keys()]);
  }

  #hint(userId: string): void {
    if (this.#hinted.size < MAX_HINTED) this.#hinted.add(userId);
    if (this.#isFree()) this.#startIn(Math.max(GATHER_MS, this.#restUntil - performance.now()));
  }

  #startIn(wait: number): void {
    if (this.#stopped) return;
    this.#next ??= setTimeout(() => {
      this.#next = undefined;
      this.#start();
    }, wait);
  }

  /** Takes those in who have been hinted for longest. */
  #start(): void {
    if (this.#hinted.size === 0 || !this.#isFree()) return;
    const people = this.#takeHinted();
    const startedAt = performance.now();
    const passBy = setTimeout(() => {
      this.#startIn(0);
    }, SLOW_MS + 1);
    const work = this.#take(people).finally(() => {
      clearTimeout(passBy);
      this.#underWay.delete(work);
      const rest = this.#restAfter(performance.now() - startedAt, people.length);
      this.#restUntil = performance.now() + rest;
      if (this.#hinted.size > 0) this.#startIn(rest);
    });
    this.#underWay.set(work, startedAt);
  }

  #isFree(): boolean {
    const now = performance.now();
    const areHeldUp = [...this.#underWay.values()].every((startedAt) => now - startedAt > SLOW_MS);
    return this.#underWay.size < MOST_BATCHES && areHeldUp;
  }

  #takeHinted(): string[] {
    const people: string[] = [];
    for (const userId of this.#hinted) {
      if (people.length === PEOPLE) break;
      people.push(userId);
      this.#hinted.delete(userId);
    }
    return people;
  }

  #restAfter(workMs: number, people: number): number {
    const share = people / (people + this.#hinted.size);
    return Math.min(Math.max(workMs * REST, people * REST_PER_PERSON_MS), LONGEST_ROUND_MS * share);
  }

  async #take(userIds: readonly string[]): Promise<void> {
    if (this.#stopped) return;
    try {
      const done = await this.notifier.takeIn(userIds);
      if (this.#done.size >= MAX_HINTED) this.#done.clear();
      for (const userId of userIds) {
        const position = done.get(userId);
        // Whoever else is at it may not have seen what the hint is of.
        if (position === undefined) this.#hint(userId);
        else this.#done.set(userId, position);
      }
    } catch (error) {
      // One of them may be at fault or stand before a lock; the others are not to suffer for it.
      if (userIds.length > 1) for (const userId of userIds) await this.#take([userId]);
      else this.#logger.warn(`It is tried again by the next sweep: ${(error as Error).message}`);
    }
  }

  async #sweep(): Promise<void> {
    this.#isSweeping = true;
    try {
      await this.#takeAll(await this.people.findRecentlyBehind(LOOK_BACK_SECONDS));
      do {
        const { userIds, next } = await this.people.findBehindAfter(this.#place, STRETCH);
        await this.#takeAll(userIds);
        this.#place = next;
        if (next === '') this.#isFirstRound = false;
      } while (this.#isFirstRound && !this.#stopped);
      if (Date.now() - this.#prunedAt > PRUNE_EVERY_MS) await this.#prune();
    } catch (error) {
      this.#logger.warn(`The sweep failed, the next one tries again: ${(error as Error).message}`);
    } finally {
      this.#isSweeping = false;
    }
  }

  /** But for those who are hinted, whose turn comes anyway. */
  async #takeAll(userIds: readonly string[]): Promise<void> {
    const others = userIds.filter((userId) => !this.#hinted.has(userId));
    for (const batch of batchesOf(others)) await this.#take(batch);
  }

  /** Never before the journal has forgotten the entries that name a notification. */
  async #prune(): Promise<void> {
    const days = Math.max(
      this.config.NOTIFICATION_RETENTION_DAYS,
      this.config.INBOX_RETENTION_DAYS,
    );
    while (!this.#stopped && (await this.people.prune(days)) > 0);
    this.#prunedAt = Date.now();
  }
}

const batchesOf = (userIds: readonly string[]): string[][] =>
  Array.from({ length: Math.ceil(userIds.length / PEOPLE) }, (_, place) =>
    userIds.slice(place * PEOPLE, (place + 1) * PEOPLE),
  );
