import type { Instant } from '../instants.js';
import type { Viewer } from '../auth/viewer.js';
import { encoderOf } from './cursor.js';
import type { Hub } from './hub.js';
import type { JournalEntry, JournalEvent, JournalFilter } from './journal-entry.js';
import { matches } from './journal-entry.js';
import type { JournalReader, Rendered } from './journal-feed.js';

/** The first event of a stream that announces its start. */
export interface ReadyEvent {
  readonly kind: 'READY';
  readonly cursor: string;
  readonly at: Instant;
  readonly unreadMessageCount: number;
  readonly unreadThreadCount: number;
}

/** Where a stream starts. */
export interface StreamStart {
  readonly epoch: string;
  /** The last entry that the client has already. */
  readonly position: number;
  /** Where the journal stood at the look. */
  readonly head: number;
  /** Sent first, where the subscription announces its start. */
  readonly ready: ReadyEvent | null;
}

export type StreamEvent = ReadyEvent | JournalEvent;

/** Whoever sends a stream's events to a client. */
export interface StreamSink {
  /** Sinks of one person with the same group want the same events and turn each into the same answer. */
  readonly group: string;
  readonly ready: boolean;
  render(events: readonly StreamEvent[]): Promise<readonly (Rendered | null)[]>;
  /**
   * Sends answers, the first in any case and more as long as it is ready; null stands for an event that is not told.
   * @returns how many events then lie behind it
   */
  send(answers: readonly (Rendered | null)[]): number;
  fail(error: unknown): void;
}

/**
 * A person's journal from a cursor on, filtered: what every subscription on the journal returns. It is an AsyncIterable only
 * because graphql-js asks for one; whoever serves it calls connect(), so that events are rendered once for all sockets
 * of the person that ask alike.
 */
export class JournalStream implements AsyncIterable<never>, JournalReader {
  position: number | null = null;
  epoch = '';
  /** Until it is connected. */
  #start: StreamStart | undefined;
  #sink: StreamSink | undefined;

  private constructor(
    private readonly hub: Hub,
    private readonly viewer: Viewer,
    private readonly filter: JournalFilter,
  ) {
    hub.attach(viewer.userId, this);
  }

  /**
   * Attaches first and only then looks at the journal, so that nothing falls between the look and the live events.
   * @param look reads where to start; its error ends the stream
   */
  static async open(
    hub: Hub,
    viewer: Viewer,
    filter: JournalFilter,
    look: () => Promise<StreamStart>,
  ): Promise<JournalStream> {
    const stream = new JournalStream(hub, viewer, filter);
    try {
      stream.#start = await look();
      stream.epoch = stream.#start.epoch;
      return stream;
    } catch (error) {
      stream.close();
      throw error;
    }
  }

  /** Begins to send, once. */
  async connect(sink: StreamSink): Promise<void> {
    if (this.#start === undefined) throw new Error('BUG: a journal stream is connected twice');
    const { ready, position, head } = this.#start;
    this.#start = undefined;
    this.#sink = sink;
    if (ready !== null) sink.send(await sink.render([ready]));
    this.position = position;
    this.hub.resume(this.viewer.userId, head);
  }

  close(): void {
    this.hub.detach(this.viewer.userId, this);
    this.#sink = undefined;
  }

  get ready(): boolean {
    return this.#sink?.ready ?? false;
  }

  get group(): string {
    return this.#sink?.group ?? '';
  }

  wants(entry: JournalEntry): boolean {
    return matches(this.filter, entry);
  }

  async render(entries: readonly JournalEntry[]): Promise<readonly (Rendered | null)[]> {
    const events = toEvents(entries, this.epoch, this.viewer.userId);
    return (await this.#sink?.render(events)) ?? [];
  }

  take(entries: readonly JournalEntry[], answers: readonly (Rendered | null)[]): number {
    const from = entries.findIndex(({ position }) => position - 1 === this.position);
    if (from < 0 || this.position === null || this.#sink?.ready !== true) return 0;
    // The very same array, where it is whole: it tells that others are told the same.
    const taken = this.#sink.send(from === 0 ? answers : answers.slice(from));
    this.position += taken;
    return from + taken;
  }

  fail(error: unknown): void {
    const sink = this.#sink;
    this.close();
    sink?.fail(error);
  }

  [Symbol.asyncIterator](): AsyncIterator<never> {
    throw new Error('BUG: a journal stream is connected to a sink, not iterated');
  }
}

export function toEvents(
  entries: readonly JournalEntry[],
  epoch: string,
  userId: string,
): JournalEvent[] {
  const cursorOf = encoderOf(epoch, userId);
  // What is added to a copy costs ten times the copy, so the cursor stands before it; and a second spread would give each event
  // a shape of its own (docs/performance.md).
  return entries.map((entry) =>
    Object.assign({ cursor: cursorOf(entry.position), ...entry }, entry.known),
  );
}
