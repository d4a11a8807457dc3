import { Logger } from '@nestjs/common';
import { AppError, ErrorCode } from '../errors.js';
import { resyncRequired } from './cursor.js';
import type { JournalEntry } from './journal-entry.js';
import type { JournalRepository } from './journal.repository.js';
import { OfferedEntries } from './offered-entries.js';

/** How many entries are read and rendered at a time: few at first, and more as long as somebody takes them all. */
const FIRST_PAGE = 8;
const LARGEST_PAGE = 200;
const RETRY_MS = 200;

const logger = new Logger('JournalFeed');

/** Somebody who follows a person's journal from a position of their own. */
export interface JournalReader {
  /** The last entry that was offered to it; null until it knows where it starts. */
  readonly position: number | null;
  /** The life of the database in which its positions count. */
  readonly epoch: string;
  /** False while it cannot take more (a socket that does not drain): it is left behind and catches up later. False once closed. */
  readonly ready: boolean;
  /** Readers with the same group want the same entries and turn each into the same answer. */
  readonly group: string;
  wants(entry: JournalEntry): boolean;
  /**
   * Turns entries into answers, once for all readers of the group; null for what must not be told after all.
   * @throws AppError SERVICE_UNAVAILABLE for what can be told later; anything else ends the readers of the group
   */
  render(entries: readonly JournalEntry[]): Promise<readonly (Rendered | null)[]>;
  /**
   * Moves the position on over those of the entries that follow it, as long as it is ready, and tells those that have an answer.
   * @param answers one for each entry; the same array for all readers of the group
   * @returns how many entries of the page then lie behind it; 0 where it has taken none
   */
  take(entries: readonly JournalEntry[], answers: readonly (Rendered | null)[]): number;
  fail(error: unknown): void;
}

/** Opaque here: whatever the group's readers send. */
export type Rendered = Buffer;

/**
 * Feeds one person's readers from the journal, in order and without gaps. It keeps no entries: a position is all that a
 * reader is, and whoever is behind, for whatever reason, is served from PostgreSQL in pages.
 */
export class JournalFeed {
  /** An array: most people have one or two, and a set of one weighs as much as a reader. */
  #readers: readonly JournalReader[] = [];
  /** The furthest position that is known to be committed. */
  #head = 0;
  #pumping = false;
  #pageSize = FIRST_PAGE;
  /** Only while somebody is served. */
  #offered: OfferedEntries | undefined;

  constructor(
    private readonly userId: string,
    private readonly journals: JournalRepository,
    /** Called when the last reader has gone. */
    readonly end: () => void,
  ) {}

  add(reader: JournalReader): void {
    // As long as it must be; push() would make room for 17.
    this.#readers = this.#readers.concat(reader);
  }

  /** @returns how many readers are left */
  remove(reader: JournalReader): number {
    this.#readers = this.#readers.filter((other) => other !== reader);
    return this.#readers.length;
  }

  /**
   * Entries that are committed, in order, from whoever wrote them on this node: those who stand right before them and are
   * ready need no read. Nothing is kept for anybody else, who is told what is true when they are told, from PostgreSQL.
   */
  offer(entries: readonly JournalEntry[]): void {
    const last = entries.at(-1)?.position ?? 0;
    // Something later may already have changed what these tell of.
    if (last > this.#head && this.#offered?.add(entries) !== true)
      this.#offered = new OfferedEntries(entries);
    this.advanceTo(last);
  }

  /** A hint, or the sweep: the journal stands at least here. */
  advanceTo(position: number): void {
    if (position > this.#head) {
      this.#head = position;
      if (this.#offered !== undefined && this.#offered.last < position) this.#offered = undefined;
      this.pump();
    }
  }

  /**
   * Begins a look at the journal. Readers that it finds in another life of the database, or beyond the journal's end (commits
   * were lost), would miss what is stored at positions that they have passed.
   * @returns what takes in where the journal was found to stand
   */
  look(): (epoch: string, position: number) => void {
    // As they are now: by the time the answer is here, the journal may have grown, and readers with it.
    const readers = this.#readers;
    const furthest = Math.max(...readers.map((reader) => reader.position ?? 0));
    return (epoch, position) => {
      for (const reader of readers)
        if (reader.position !== null && (reader.epoch !== epoch || furthest > position))
          reader.fail(resyncRequired());
      this.advanceTo(position);
    };
  }

  /** Serves everybody who is ready and behind; one run at a time. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    this.#serve().then(
      () => {
        this.#pumping = false;
        if (this.#behind().length > 0) this.pump();
      },
      (error: unknown) => {
        this.#offered = undefined;
        logger.warn(`Reading the journal failed, it is tried again: ${(error as Error).message}`);
        // The database is away: from the same positions again, but not as fast as it can refuse.
        setTimeout(() => {
          this.#pumping = false;
          this.pump();
        }, RETRY_MS).unref();
      },
    );
  }

  async #serve(): Promise<void> {
    for (let newestFirst = true; ; newestFirst = !newestFirst) {
      const behind = this.#behind();
      if (behind.length === 0) {
        this.#offered = undefined;
        // Whoever is full goes on as it stopped; the next ones may want events of another size.
        if (!this.#readers.some((reader) => this.#isBehind(reader)))
          this.#pageSize = Math.min(this.#pageSize, FIRST_PAGE);
        return;
      }
      // Whoever is nearly there is not made to wait for whoever comes from far: the two ends take turns.
      const positions = behind.map((reader) => reader.position ?? 0);
      await this.#servePage(newestFirst ? Math.max(...positions) : Math.min(...positions), behind);
    }
  }

  #behind(): JournalReader[] {
    return this.#readers.filter((reader) => reader.ready && this.#isBehind(reader));
  }

  #isBehind({ position }: JournalReader): boolean {
    return position !== null && position < this.#head;
  }

  /** @param behind those for whom is rendered if they have come so far; who comes later is served by a page of its own */
  async #servePage(from: number, behind: readonly JournalReader[]): Promise<void> {
    const readers = behind.filter(({ position }) => position !== null && position >= from);
    const size = this.#pageSize;
    const entries =
      this.#offered?.after(from)?.slice(0, size) ??
      (await this.journals.readAfter(this.userId, from, size));
    if (entries[0]?.position !== from + 1) {
      await this.#miss(from, entries.length > 0, readers);
      return;
    }
    const answers = await this.#render(entries, readers);
    let taken = 1;
    for (const reader of readers)
      taken = Math.max(taken, reader.take(entries, answers.get(reader.group) ?? []));
    const last = from + entries.length;
    const areAllTaken = readers.some(({ position, ready }) => ready && position === last);
    this.#pageSize = areAllTaken ? Math.min(2 * size, LARGEST_PAGE) : taken;
    this.#head = Math.max(this.#head, last);
  }

  /** The entry that should follow is not there: trimmed away, a database that was put back, or a hint that was wrong. */
  async #miss(from: number, hasGap: boolean, readers: readonly JournalReader[]): Promise<void> {
    const { position, floor } = await this.journals.stateOf(this.userId);
    this.#head = position;
    if (hasGap || position < from || floor > from)
      for (const reader of readers) if (reader.position === from) reader.fail(resyncRequired());
  }

  /** Each group renders, once, what at least one of its readers wants. */
  async #render(
    entries: readonly JournalEntry[],
    readers: readonly JournalReader[],
  ): Promise<ReadonlyMap<string, readonly (Rendered | null)[]>> {
    const groups = new Map<string, [JournalReader, ...JournalReader[]]>();
    for (const reader of readers) {
      const members = groups.get(reader.group);
      if (members === undefined) groups.set(reader.group, [reader]);
      else members.push(reader);
    }
    const rendered = await Promise.all(
      [...groups].map(
        async ([group, members]) => [group, await this.#renderFor(members, entries)] as const,
      ),
    );
    return new Map(rendered);
  }

  async #renderFor(
    members: readonly [JournalReader, ...JournalReader[]],
    entries: readonly JournalEntry[],
  ): Promise<readonly (Rendered | null)[]> {
    const wanted = entries.filter((entry) =>
      members.some((reader) => (reader.position ?? 0) < entry.position && reader.wants(entry)),
    );
    if (wanted.length === 0) return entries.map(() => null);
    try {
      const answers = await members[0].render(wanted);
      const byPosition = new Map(
        wanted.map((entry, index) => [entry.position, answers[index] ?? null]),
      );
      return entries.map((entry) => byPosition.get(entry.position) ?? null);
    } catch (error) {
      if (isPassing(error)) throw error;
      // It would be the same again: those who ask so end, and the person's other devices go on.
      for (const reader of members) reader.fail(error);
      return [];
    }
  }
}

const isPassing = (error: unknown): boolean =>
  error instanceof AppError && error.code === ErrorCode.SERVICE_UNAVAILABLE;
