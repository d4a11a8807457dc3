import { randomUUID } from 'node:crypto';
import type { RedisConnection, RedisListener } from '../redis/redis-connection.js';
import type { EventListener } from './event-bus.js';
import { EventBus } from './event-bus.js';
import { decodeEvent, encodeEvent } from './event-codec.js';
import type { BusEvent } from './events.js';
import { MemoryEventBus } from './memory-event-bus.js';
import { RedisSubscriptions } from './redis-subscriptions.js';

/** Events that wait for Redis; more are dropped, for the sweep finds what hints would have told. */
const MAX_WAITING = 10_000;
const AT_ONCE = 500;

/**
 * The bus of many nodes, on Redis pub/sub. This node's own listeners hear at once and without Redis; others hear on a
 * channel per person (`inboxGrew`), which a node listens to while it follows that person, and on one for all else.
 */
export class RedisEventBus extends EventBus implements RedisListener {
  readonly #local = new MemoryEventBus();
  readonly #nodeId = randomUUID();
  readonly #subscriptions: RedisSubscriptions;
  readonly #everybody: string;
  /** What waits for the batch that is under way, the newest of its kind only. */
  readonly #waiting = new Map<string, BusEvent>();
  readonly #stopListening: () => void;
  #sending = false;

  constructor(
    private readonly redis: RedisConnection,
    private readonly prefix: string,
  ) {
    super();
    this.#everybody = `${prefix}:all`;
    this.#subscriptions = new RedisSubscriptions(redis);
    this.#subscriptions.want(this.#everybody, () => undefined);
    this.#stopListening = redis.listen(this);
  }

  override publish(event: BusEvent): void {
    this.#local.publish(event);
    if (this.redis.commands === null) return;
    const key = event.type === 'inboxGrew' ? event.userId : JSON.stringify(event);
    const before = this.#waiting.get(key);
    if (before === undefined && this.#waiting.size >= MAX_WAITING) return;
    // Goes to the end, so that of two that contradict each other the newer stays the last.
    this.#waiting.delete(key);
    this.#waiting.set(key, newest(event, before));
    if (this.#sending) return;
    this.#sending = true;
    setImmediate(() => void this.#send());
  }

  override listen(listener: EventListener, onGap: () => void = () => undefined): () => void {
    const deafen = this.#local.listen(listener);
    const ignoreGaps = this.#subscriptions.want(this.#everybody, onGap);
    return () => {
      deafen();
      ignoreGaps();
    };
  }

  override follow(userId: string, onGap: () => void): () => void {
    return this.#subscriptions.want(this.#channelOf(userId), onGap);
  }

  began(): void {
    this.#subscriptions.begin();
  }

  heard(_channel: string, text: string): void {
    const heard = decodeEvent(text);
    if (heard !== null && heard.nodeId !== this.#nodeId) this.#local.publish(heard.event);
  }

  close(): void {
    this.#stopListening();
    this.#subscriptions.stop();
    this.#waiting.clear();
  }

  /** How many events wait for Redis. */
  get waiting(): number {
    return this.#waiting.size;
  }

  #channelOf(userId: string): string {
    return `${this.prefix}:person:${userId}`;
  }

  /** One batch at a time: what comes meanwhile shares the next one. */
  async #send(): Promise<void> {
    while (this.#waiting.size > 0) {
      const batch = [...this.#waiting].slice(0, AT_ONCE);
      for (const [key] of batch) this.#waiting.delete(key);
      try {
        await this.redis.publish(
          batch.map(([, event]) => ({
            channel: event.type === 'inboxGrew' ? this.#channelOf(event.userId) : this.#everybody,
            text: encodeEvent(this.#nodeId, event),
          })),
        );
      } catch {
        // Lost, as events may be. The connection says for itself that Redis is away.
      }
    }
    this.#sending = false;
  }
}

const newest = (event: BusEvent, before: BusEvent | undefined): BusEvent =>
  event.type === 'inboxGrew' && before?.type === 'inboxGrew' && before.position > event.position
    ? before
    : event;
