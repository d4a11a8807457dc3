import type { BenchThread } from '../data/ids.js';
import { wrongs } from '../measurement.js';
import { numberAfter, type Protocol } from '../protocols/protocol.js';
import { sleep } from '../../faults/random.js';
import { NumberSet } from './number-set.js';
import type { Sender } from './sender.js';
import { openSocket } from './socket.js';
import type { SocketConnection } from './socket-connection.js';

/** Connections that are opened at a time: a server refuses too many that have not shown a token yet. */
const AT_ONCE = 50;
const PROBE_EVERY_MS = 250;
const PROBES = 60;
const PROBE = 0;

/** Message `number` of a run, as followers know it again. */
export const bodyOf = (number: number): string =>
  `#${number} about the walking tour: where do we meet and what should we bring along?`;

/** Somebody's socket that follows a thread. */
class Follower {
  isLive = false;
  /** The messages of the run that have come. */
  readonly had = new NumberSet();
  #last: number | undefined;

  constructor(
    readonly thread: BenchThread,
    readonly viewer: string,
  ) {}

  /** @returns how far the message's number is from the one it must have */
  offset(number: number): number {
    const last = this.#last;
    this.#last = number;
    return last === undefined ? 0 : number - last - 1;
  }
}

export interface Place {
  readonly thread: BenchThread;
  readonly viewer: string;
}

/** The sockets of one run. What arrives is told once for each socket, with the number that the message has in the run. */
export class Followers {
  /** Deliveries whose number in the thread does not follow the one before on the same socket, where that is promised. */
  #disordered = 0;
  #doubled = 0;
  #refused = 0;
  #sockets: SocketConnection[] = [];
  readonly #followers: readonly Follower[];

  constructor(
    private readonly protocol: Protocol,
    places: readonly Place[],
    private readonly onDelivery: (number: number, thread: BenchThread) => void,
  ) {
    this.#followers = places.map(({ thread, viewer }) => new Follower(thread, viewer));
  }

  async open(port: number): Promise<void> {
    for (let start = 0; start < this.#followers.length; start += AT_ONCE)
      this.#sockets.push(
        ...(await Promise.all(
          this.#followers
            .slice(start, start + AT_ONCE)
            .map((follower, place) => this.#open(follower, start + place, port)),
        )),
      );
  }

  /** Not every protocol says when a subscription has begun, so messages are sent until everybody has had one. */
  async awaitLive(sender: Sender): Promise<void> {
    for (let probe = 0; probe < PROBES; probe++) {
      const waiting = this.#followers.filter(({ isLive }) => !isLive);
      if (waiting.length === 0) return;
      const { wrong } = this;
      if (wrong.length > 0) throw new Error(wrong.join('; '));
      const threads = new Map(waiting.map(({ thread }) => [thread.id, thread]));
      for (const thread of threads.values())
        await sender.send(thread, thread.tourist, bodyOf(PROBE));
      await sleep(PROBE_EVERY_MS);
    }
    const deaf = this.#followers.filter(({ isLive }) => !isLive).length;
    throw new Error(`${deaf} of ${this.#followers.length} sockets never heard anything`);
  }

  /** What no socket may see, in words. */
  get wrong(): string[] {
    return wrongs({
      'deliveries doubled': this.#doubled,
      'deliveries out of order': this.#disordered,
      'subscriptions refused or ended': this.#refused,
      'sockets closed by the server': this.#sockets.filter(({ isClosed }) => isClosed).length,
    });
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }

  async #open(follower: Follower, place: number, port: number): Promise<SocketConnection> {
    const { socket, sequenceKey, isOrdered } = this.protocol;
    const connection = await openSocket(this.protocol, port, follower.viewer, (text) => {
      if (!socket.isDelivery(text)) {
        if (socket.isRefusal(text)) this.#refused += 1;
        return;
      }
      // Looked for in all alike, for it takes time: only some promise anything of it.
      const isNext = follower.offset(numberAfter(text, sequenceKey)) === 0;
      if (isOrdered && !isNext) this.#disordered += 1;
      follower.isLive = true;
      const number = numberAfter(text, '#');
      if (number === PROBE) return;
      if (follower.had.add(number)) this.onDelivery(number, follower.thread);
      else this.#doubled += 1;
    });
    connection.send(socket.follow(place, follower.thread.id, follower.viewer));
    return connection;
  }
}
