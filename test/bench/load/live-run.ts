import type { BenchThread } from '../data/ids.js';
import { type Measurement, wrongs } from '../measurement.js';
import type { Protocol } from '../protocols/protocol.js';
import { LATENCIES, percentiles } from '../statistics.js';
import { sleep } from '../../faults/random.js';
import { Failures } from './failures.js';
import { bodyOf, Followers, type Place } from './followers.js';
import { openSender, type Sender } from './sender.js';
import type { Window } from './window.js';

/** How long the last messages of a run may take to arrive. */
const PATIENCE_MS = 5_000;

interface Message {
  readonly thread: BenchThread;
  readonly sentAt: number;
  /** Sockets that do not have it yet; each has it once. */
  missing: number;
}

/** Messages that are sent while sockets follow, and what becomes of each. */
export class LiveRun {
  readonly latencies: number[] = [];
  delivered = 0;
  /** Deliveries within the window. */
  counted = 0;
  sent = 0;
  /** Messages that everybody has. */
  arrived = 0;
  #strayed = 0;
  #window: Window | undefined;
  #onArrival: () => void = () => undefined;
  readonly #messages = new Map<number, Message>();
  readonly #failures = new Failures();
  readonly #followers: Followers;
  readonly #idle: Sender[] = [];
  readonly #queue: ((sender: Sender) => void)[] = [];

  private constructor(
    protocol: Protocol,
    places: readonly Place[],
    private readonly followersOfEach: number,
  ) {
    this.#followers = new Followers(protocol, places, (number, thread) =>
      this.#deliver(number, thread),
    );
  }

  /** @param followersOfEach sockets that follow each thread */
  static async open(
    protocol: Protocol,
    port: number,
    places: readonly Place[],
    followersOfEach: number,
    senders: number,
  ): Promise<LiveRun> {
    const run = new LiveRun(protocol, places, followersOfEach);
    await run.#followers.open(port);
    const viewer = places[0]!.thread.tourist;
    for (let count = 0; count < senders; count++)
      run.#idle.push(await openSender(protocol, port, viewer));
    await run.#followers.awaitLive(run.#idle[0]!);
    return run;
  }

  begin(window: Window): void {
    this.#window = window;
  }

  get isBroken(): boolean {
    return this.#failures.count > 0;
  }

  /** Sends now, or once a connection is free; the time runs from now in both cases. */
  async send(thread: BenchThread, author: string): Promise<void> {
    this.sent += 1;
    const number = this.sent;
    this.#messages.set(number, {
      thread,
      sentAt: performance.now(),
      missing: this.followersOfEach,
    });
    const sender = this.#idle.pop() ?? (await this.#nextSender());
    try {
      await sender.send(thread, author, bodyOf(number));
    } catch (error) {
      this.#failures.add(error);
    } finally {
      const waiting = this.#queue.shift();
      if (waiting === undefined) this.#idle.push(sender);
      else waiting(sender);
    }
  }

  /** The next time that a message has reached everybody. */
  arrival(): Promise<void> {
    return new Promise((resolve) => {
      this.#onArrival = resolve;
    });
  }

  async finish(rate: number): Promise<Measurement> {
    const end = performance.now() + PATIENCE_MS;
    while (this.arrived < this.sent && performance.now() < end) await sleep(20);
    // What comes twice comes late.
    await sleep(100);
    const missing = [...this.#messages.values()].reduce((sum, each) => sum + each.missing, 0);
    const { wrong } = this.#followers;
    this.#followers.close();
    for (const sender of this.#idle) sender.close();
    return {
      values: { rate, ...percentiles(this.latencies, LATENCIES) },
      operations: this.delivered,
      wrong: [
        ...this.#failures.wrong,
        ...wrongs({
          'deliveries lost': missing,
          'deliveries to sockets that follow something else': this.#strayed,
        }),
        ...wrong,
      ],
    };
  }

  #nextSender(): Promise<Sender> {
    return new Promise((resolve) => {
      this.#queue.push(resolve);
    });
  }

  #deliver(number: number, thread: BenchThread): void {
    const now = performance.now();
    const message = this.#messages.get(number);
    this.delivered += 1;
    if (message?.thread !== thread) {
      this.#strayed += 1;
      return;
    }
    message.missing -= 1;
    if (this.#window?.counts(now) === true) {
      this.counted += 1;
      this.latencies.push(now - message.sentAt);
    }
    if (message.missing > 0) return;
    this.arrived += 1;
    const told = this.#onArrival;
    this.#onArrival = () => undefined;
    told();
  }
}
