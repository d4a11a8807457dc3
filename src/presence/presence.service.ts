import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { Injectable, Logger } from '@nestjs/common';
import type { Viewer } from '../auth/viewer.js';
import type { Instant } from '../instants.js';
import { Config } from '../config.js';
import { AppError, ErrorCode } from '../errors.js';
import { EventBus } from '../events/event-bus.js';
import type { BusEvent } from '../events/events.js';
import { OnlinePeople } from './online-people.js';
import { PresenceRepository } from './presence.repository.js';
import { SignalStream } from './signal-stream.js';
import { SocketReports } from './socket-reports.js';

/** A node that has missed so many of its heartbeats is gone. */
const MISSED_HEARTBEATS = 3;

export interface Presence {
  readonly isOnline: boolean;
  readonly lastSeenAt: Instant | null;
}

export interface PresenceEvent extends Presence {
  readonly userId: string;
}

/** A subscription on the presence of everybody who shares a thread with somebody: the newest of each person waits. */
interface Watch {
  readonly news: Map<string, PresenceEvent>;
  readonly stream: SignalStream<PresenceEvent>;
}

/**
 * Each node reports the sockets of its people to the others, and again with every heartbeat, so that a report may be lost
 * and a node may be late, be restarted or die: after a few silent heartbeats its people are forgotten. A node that may
 * have missed reports, since it has just begun to hear the others, asks them to repeat themselves at once.
 */
@Injectable()
export class PresenceService implements OnModuleInit, OnApplicationShutdown {
  readonly #nodeId = crypto.randomUUID();
  readonly #logger = new Logger('Presence');
  readonly #online: OnlinePeople;
  readonly #reports: SocketReports;
  readonly #watches = new Map<string, Set<Watch>>();
  /** When people were seen, by performance.now(), until it is written down. */
  readonly #seen = new Map<string, number>();
  /** Who came or went, until those who share a thread with them are told. */
  readonly #changed = new Set<string>();
  #isWorking = false;
  #settled: Promise<void> = Promise.resolve();
  #stopListening: () => void = () => undefined;

  constructor(
    private readonly presence: PresenceRepository,
    private readonly bus: EventBus,
    private readonly config: Config,
  ) {
    this.#online = new OnlinePeople(config.PRESENCE_GRACE_MS, (userId) => {
      this.#changed.add(userId);
      this.#work();
    });
    this.#reports = new SocketReports(this.#nodeId, this.#online, bus);
  }

  onModuleInit(): void {
    this.#stopListening = this.bus.listen(
      (event) => {
        this.#hear(event);
      },
      () => {
        this.bus.publish({ type: 'presenceAsked', nodeId: this.#nodeId });
        // What was reported while the others could not be reached was lost as well.
        this.#reports.repeat();
      },
    );
    this.#reports.start(this.config.PRESENCE_HEARTBEAT_MS, () => {
      this.#forgetSilentNodes();
    });
  }

  /** The sockets have been drained by now, so everybody's last sight is known; the database still stands. */
  async onApplicationShutdown(): Promise<void> {
    this.#reports.stop();
    this.#stopListening();
    this.#online.clear();
    await this.#settled;
    await this.#settle();
  }

  /** Subscriptions of this node; for metrics and for the tests' leak check. */
  get size(): number {
    let size = 0;
    for (const watches of this.#watches.values()) size += watches.size;
    return size;
  }

  /** A person has so many sockets on this node now. */
  socketsChanged(userId: string, sockets: number): void {
    const isFirstOrLast = (this.#online.socketsOn(this.#nodeId, userId) === 0) === sockets > 0;
    // Before anybody is told, so that they read the new lastSeenAt.
    if (isFirstOrLast) this.#see(userId, performance.now());
    this.#online.report(this.#nodeId, userId, sockets);
    if (!isFirstOrLast) return;
    this.#reports.publish(userId, sockets);
    this.#work();
  }

  /** Of those of these people who share a thread with the viewer, and of the viewer. A service knows nobody so. */
  async findVisible(
    viewer: Viewer,
    userIds: readonly string[],
  ): Promise<ReadonlyMap<string, Presence>> {
    if (viewer.isService) return new Map();
    const visible = await this.presence.findVisible(viewer, userIds);
    return new Map(
      [...visible].map(([userId, lastSeenAt]) => [
        userId,
        { isOnline: this.#online.isOnline(userId), lastSeenAt },
      ]),
    );
  }

  /** @throws AppError FORBIDDEN for a service, which shares no thread with anybody */
  watch(viewer: Viewer): SignalStream<PresenceEvent> {
    if (viewer.isService)
      throw new AppError(ErrorCode.FORBIDDEN, 'A service shares no thread with anybody.');
    const watches = this.#watches.get(viewer.userId) ?? new Set();
    const news = new Map<string, PresenceEvent>();
    const watch: Watch = {
      news,
      stream: new SignalStream(
        () => Promise.resolve(takeFirst(news)),
        () => {
          watches.delete(watch);
          if (watches.size === 0) this.#watches.delete(viewer.userId);
        },
      ),
    };
    this.#watches.set(viewer.userId, watches.add(watch));
    return watch.stream;
  }

  #hear(event: BusEvent): void {
    if (event.type === 'presenceReported' && event.nodeId !== this.#nodeId)
      this.#online.report(event.nodeId, event.userId, event.sockets);
    if (event.type === 'presenceAsked' && event.nodeId !== this.#nodeId) this.#reports.repeat();
  }

  #forgetSilentNodes(): void {
    const silence = MISSED_HEARTBEATS * this.config.PRESENCE_HEARTBEAT_MS;
    for (const [userId, at] of this.#online.forgetSilent(this.#nodeId, silence))
      this.#see(userId, at);
    this.#work();
  }

  #see(userId: string, at: number): void {
    this.#seen.set(userId, Math.max(at, this.#seen.get(userId) ?? 0));
  }

  /** Whatever comes while the database is busy goes with the next statement. */
  #work(): void {
    if (!this.#isWorking) this.#settled = this.#settle();
  }

  /** What fails stays where it is, until somebody else comes or goes, or the next heartbeat. */
  async #settle(): Promise<void> {
    this.#isWorking = true;
    try {
      while (this.#seen.size > 0 || this.#changed.size > 0) {
        await this.#writeSeen();
        await this.#tellChanged();
      }
    } catch (error) {
      this.#logger.warn(`Presence is behind, it is tried again: ${(error as Error).message}`);
    } finally {
      this.#isWorking = false;
    }
  }

  async #writeSeen(): Promise<void> {
    if (this.#seen.size === 0) return;
    const seen = new Map(this.#seen);
    const now = performance.now();
    await this.presence.saw(new Map([...seen].map(([userId, at]) => [userId, now - at])));
    for (const [userId, at] of seen) if (this.#seen.get(userId) === at) this.#seen.delete(userId);
  }

  async #tellChanged(): Promise<void> {
    const changed = [...this.#changed];
    this.#changed.clear();
    if (changed.length === 0 || this.#watches.size === 0) return;
    try {
      for (const { userId, peerId, lastSeenAt } of await this.presence.findPeers(changed))
        for (const { news, stream } of this.#watches.get(peerId) ?? []) {
          news.set(userId, { userId, isOnline: this.#online.isOnline(userId), lastSeenAt });
          stream.wake();
        }
    } catch (error) {
      for (const userId of changed) this.#changed.add(userId);
      throw error;
    }
  }
}

function takeFirst(news: Map<string, PresenceEvent>): PresenceEvent | null {
  for (const [userId, event] of news) {
    news.delete(userId);
    return event;
  }
  return null;
}
