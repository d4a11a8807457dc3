import type { RedisConnection } from '../redis/redis-connection.js';

/** Channels of one command. */
const AT_ONCE = 500;
const AGAIN_MS = 500;

/**
 * Keeps a connection subscribed to the channels that are wanted, whatever happens to it: what is wanted and what is
 * there are compared until they are the same.
 */
export class RedisSubscriptions {
  readonly #wanted = new Map<string, Set<() => void>>();
  #active = new Set<string>();
  #begun = false;
  #running = false;
  #stopped = false;
  #wake: () => void = () => undefined;

  constructor(private readonly redis: RedisConnection) {}

  /** @param onGap called once the channel is heard, and each time it is heard again */
  want(channel: string, onGap: () => void): () => void {
    const wanted = this.#wanted.get(channel) ?? new Set();
    this.#wanted.set(channel, wanted);
    // A function of its own, since the same may be given twice.
    const gap = (): void => onGap();
    wanted.add(gap);
    if (this.#active.has(channel)) setImmediate(gap);
    else this.#start();
    return () => {
      wanted.delete(gap);
      if (wanted.size > 0 || this.#wanted.get(channel) !== wanted) return;
      this.#wanted.delete(channel);
      this.#start();
    };
  }

  /** The connection is new: nothing is subscribed on it. */
  begin(): void {
    this.#active = new Set();
    this.#begun = true;
    this.#wake();
    this.#start();
  }

  stop(): void {
    this.#stopped = true;
    this.#wake();
  }

  #start(): void {
    if (this.#running || this.#stopped || !this.#begun) return;
    this.#running = true;
    // In the next turn, so that those who come in one turn share a command.
    setImmediate(() => void this.#run());
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const active = this.#active;
      const missing = first(this.#wanted.keys(), (channel) => !active.has(channel));
      const spare = first(active, (channel) => !this.#wanted.has(channel));
      if (missing.length + spare.length === 0) break;
      try {
        if (spare.length > 0) await this.redis.unsubscribe(spare);
        for (const channel of spare) active.delete(channel);
        if (missing.length > 0) await this.redis.subscribe(missing);
        for (const channel of missing) active.add(channel);
        if (active === this.#active) this.#tell(missing);
      } catch {
        await this.#pause();
      }
    }
    this.#running = false;
  }

  /** Until the connection is new, or a moment has passed. */
  async #pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, AGAIN_MS).unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => undefined;
  }

  #tell(channels: readonly string[]): void {
    for (const channel of channels) for (const gap of this.#wanted.get(channel) ?? []) gap();
  }
}

function first(channels: Iterable<string>, condition: (channel: string) => boolean): string[] {
  const found: string[] = [];
  for (const channel of channels) {
    if (condition(channel)) found.push(channel);
    if (found.length === AT_ONCE) break;
  }
  return found;
}
