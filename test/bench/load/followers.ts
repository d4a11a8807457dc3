import type { BenchThread } from '../data/ids.js';
import { numberAfter, type Protocol } from '../protocols/protocol.js';
import { sleep } from '../../faults/random.js';
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

/** The sockets of one run. Whatever arrives is told with the number that the message has in the run. */
export class Followers {
  /** Deliveries whose number in the thread does not follow the one before on the same socket. */
  disordered = 0;
  #sockets: SocketConnection[] = [];
  readonly #followers: readonly Follower[];

  constructor(
    private readonly protocol: Protocol,
    places: readonly Place[],
    private readonly onDelivery: (number: number) => void,
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
      const threads = new Map(waiting.map(({ thread }) => [thread.id, thread]));
      for (const thread of threads.values())
        await sender.send(thread, thread.tourist, bodyOf(PROBE));
      await sleep(PROBE_EVERY_MS);
    }
    const deaf = this.#followers.filter(({ isLive }) => !isLive).length;
    throw new Error(`${deaf} of ${this.#followers.length} sockets never heard anything`);
  }

  get closed(): number {
    return this.#sockets.filter(({ isClosed }) => isClosed).length;
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }

  async #open(follower: Follower, place: number, port: number): Promise<SocketConnection> {
    const { socket, sequenceKey, isOrdered } = this.protocol;
    const connection = await openSocket(this.protocol, port, follower.viewer, (text) => {
      if (!socket.isDelivery(text)) return;
      if (isOrdered && sequenceKey !== undefined)
        if (follower.offset(numberAfter(text, sequenceKey)) !== 0) this.disordered += 1;
      follower.isLive = true;
      const number = numberAfter(text, '#');
      if (number !== PROBE) this.onDelivery(number);
    });
    connection.send(socket.follow(place, follower.thread.id, follower.viewer));
    return connection;
  }
}
