import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { Cluster, Redis } from 'ioredis';
import { reasonOf } from '../reasons.js';
import type * as Clients from './redis-clients.js';

const PROBE_AGAIN_MS = 500;
/** Finds out that a server no longer answers a connection that only listens. */
const PING_MS = 5_000;

export interface RedisListener {
  /** Subscriptions can be made now, and those of before are gone. */
  began(): void;
  heard(channel: string, text: string): void;
}

/**
 * What parley has of a Redis: a connection for commands and one for subscriptions, or a cluster with a connection for
 * subscriptions per shard. Which of the two it is, the server says. It may be away at any time, also at the start.
 */
export class RedisConnection {
  readonly #logger = new Logger('Redis');
  readonly #listeners = new Set<RedisListener>();
  readonly #closed = new AbortController();
  #commands: Redis | Cluster | undefined;
  #subscriber: Redis | undefined;
  #cluster: Cluster | undefined;
  #pinger: NodeJS.Timeout | undefined;
  #wasReady = false;
  /** Why there is no connection, as far as it has been said since there was one. */
  readonly #said = new Set<string>();

  constructor(
    private readonly url: string,
    private readonly name = 'parley',
  ) {
    void this.#begin();
  }

  /** Null while the server is away: whoever wants something then does without. */
  get commands(): Redis | Cluster | null {
    return this.#commands?.status === 'ready' ? this.#commands : null;
  }

  listen(listener: RedisListener): () => void {
    this.#listeners.add(listener);
    if (this.#canSubscribe) listener.began();
    return () => void this.#listeners.delete(listener);
  }

  /** @throws when the server is away or does not answer; the caller tries again */
  async subscribe(channels: readonly string[]): Promise<void> {
    if (this.#cluster !== undefined) {
      const cluster = this.#cluster;
      await Promise.all(channels.map((channel) => cluster.ssubscribe(channel)));
    } else await this.#requireSubscriber().subscribe(...channels);
  }

  async unsubscribe(channels: readonly string[]): Promise<void> {
    if (this.#cluster !== undefined) {
      const cluster = this.#cluster;
      await Promise.all(channels.map((channel) => cluster.sunsubscribe(channel)));
    } else await this.#requireSubscriber().unsubscribe(...channels);
  }

  /** One round trip for all of them. */
  async publish(messages: readonly { channel: string; text: string }[]): Promise<void> {
    const { commands } = this;
    if (commands === null) throw new Error('Redis is away');
    if (this.#cluster !== undefined) {
      const cluster = this.#cluster;
      await Promise.all(messages.map(({ channel, text }) => cluster.spublish(channel, text)));
    } else {
      const pipeline = commands.pipeline();
      for (const { channel, text } of messages) pipeline.publish(channel, text);
      await pipeline.exec();
    }
  }

  close(): void {
    this.#closed.abort();
    clearInterval(this.#pinger);
    this.#listeners.clear();
    this.#commands?.disconnect();
    this.#subscriber?.disconnect();
  }

  get #canSubscribe(): boolean {
    return (this.#cluster ?? this.#subscriber)?.status === 'ready';
  }

  #requireSubscriber(): Redis {
    if (this.#subscriber?.status !== 'ready') throw new Error('Redis is away');
    return this.#subscriber;
  }

  async #begin(): Promise<void> {
    const { signal } = this.#closed;
    // Only here, so that a node without a Redis starts without the client, which is some sixty files.
    const clients = await import('./redis-clients.js');
    for (;;) {
      try {
        const use = (await clients.isCluster(this.url)) ? this.#useCluster : this.#useServer;
        signal.throwIfAborted();
        use(clients);
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#complain(error as Error);
        await delay(PROBE_AGAIN_MS, undefined, { signal }).catch(() => null);
      }
    }
  }

  readonly #useServer = ({ connectToServer }: typeof Clients): void => {
    this.#commands = connectToServer(this.url, this.name, this.#complain);
    const subscriber = connectToServer(this.url, `${this.name} (listening)`, this.#complain);
    this.#subscriber = subscriber;
    subscriber.on('ready', this.#began);
    subscriber.on('close', this.#lost);
    subscriber.on('message', this.#heard);
    this.#pinger = setInterval(() => {
      if (subscriber.status === 'ready') subscriber.ping().catch(() => subscriber.disconnect(true));
    }, PING_MS);
  };

  readonly #useCluster = ({ connectToCluster }: typeof Clients): void => {
    const cluster = connectToCluster(this.url, this.name, this.#complain);
    this.#commands = this.#cluster = cluster;
    cluster.on('ready', this.#began);
    cluster.on('close', this.#lost);
    cluster.on('smessage', this.#heard);
    // A shard has come (back): its subscriptions have begun anew.
    cluster.on('+node', () => {
      if (cluster.status === 'ready') this.#began();
    });
  };

  readonly #began = (): void => {
    if (!this.#wasReady) this.#logger.log('Redis is there.');
    this.#wasReady = true;
    this.#said.clear();
    for (const listener of this.#listeners) listener.began();
  };

  readonly #lost = (): void => {
    if (this.#wasReady && !this.#closed.signal.aborted)
      this.#logger.warn(
        'Redis is away. Events between nodes come with the sweep until it is back.',
      );
    this.#wasReady = false;
  };

  /** Each reason once an outage, and not once an attempt. */
  readonly #complain = (error: Error): void => {
    const reason = reasonOf(error);
    if (this.#closed.signal.aborted || this.#said.has(reason)) return;
    this.#said.add(reason);
    this.#logger.warn(`Redis cannot be reached: ${reason}`);
  };

  readonly #heard = (channel: string, text: string): void => {
    for (const listener of this.#listeners) listener.heard(channel, text);
  };
}
