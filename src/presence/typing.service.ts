import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import type { Viewer } from '../auth/viewer.js';
import { Config } from '../config.js';
import { AppError, ErrorCode } from '../errors.js';
import { EventBus } from '../events/event-bus.js';
import type { TypingSignalled } from '../events/events.js';
import { ThreadAccess } from '../threads/thread-access.js';
import { PresenceRepository } from './presence.repository.js';
import { SignalStream } from './signal-stream.js';

/** Who is typing in a thread, in the order in which they began. */
export interface TypingSet {
  readonly threadId: string;
  readonly userIds: readonly string[];
}

/** A thread in which somebody types, or that somebody watches. */
interface TypingThread {
  readonly ends: Map<string, NodeJS.Timeout>;
  readonly watches: Set<SignalStream<TypingSet>>;
  /** The look at who is in the thread that is under way: what has changed since then asks for one of its own. */
  members: Promise<ReadonlySet<string>> | undefined;
}

/** Typing lives on the bus and in the memory of the nodes, for seconds. */
@Injectable()
export class TypingService implements OnModuleInit, OnModuleDestroy {
  readonly #threads = new Map<string, TypingThread>();
  #stopListening: () => void = () => undefined;

  constructor(
    private readonly access: ThreadAccess,
    private readonly presence: PresenceRepository,
    private readonly bus: EventBus,
    private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.#stopListening = this.bus.listen((event) => {
      if (event.type === 'typingSignalled') this.#hear(event);
    });
  }

  onModuleDestroy(): void {
    this.#stopListening();
    for (const { ends } of this.#threads.values())
      for (const end of ends.values()) clearTimeout(end);
  }

  /** Threads in which somebody types, or that somebody watches; for metrics and for the tests' leak check. */
  get size(): number {
    return this.#threads.size;
  }

  /**
   * Whoever cannot send does not type, but may always stop.
   * @returns the thread's id
   */
  async signal(viewer: Viewer, threadId: string, isTyping: boolean): Promise<string> {
    const { id, status } = await this.access.requireParticipant(viewer, threadId);
    if (isTyping && status === 'ARCHIVED')
      throw new AppError(ErrorCode.THREAD_ARCHIVED, 'The thread is archived.');
    if (isTyping && status === 'BLOCKED')
      throw new AppError(ErrorCode.THREAD_BLOCKED, 'The thread is blocked.');
    const leftMs = isTyping ? this.config.TYPING_TTL_MS : 0;
    this.bus.publish({ type: 'typingSignalled', threadId: id, userId: viewer.userId, leftMs });
    return id;
  }

  /** Begins with the set as it is, also when it is empty: whoever has it knows that the watch stands. */
  async watch(viewer: Viewer, threadId: string): Promise<SignalStream<TypingSet>> {
    const { id } = await this.access.requireParticipant(viewer, threadId);
    const thread = this.#thread(id);
    let seen: string | undefined;
    let told: string | undefined;
    const stream = new SignalStream<TypingSet>(
      async () => {
        const typing = [...thread.ends.keys()];
        const key = JSON.stringify(typing);
        if (key === seen) return null;
        seen = key;
        const members = await this.#membersOf(id, thread);
        if (!members.has(viewer.userId)) {
          stream.close();
          return null;
        }
        const userIds = typing.filter((userId) => members.has(userId));
        const answer = JSON.stringify(userIds);
        if (answer === told) return null;
        told = answer;
        return { threadId: id, userIds };
      },
      () => {
        thread.watches.delete(stream);
        this.#drop(id, thread);
      },
    );
    thread.watches.add(stream);
    // A look that is under way may have begun before this person was added.
    thread.members = undefined;
    return stream;
  }

  #hear({ threadId, userId, leftMs }: TypingSignalled): void {
    const left = Math.min(leftMs, this.config.TYPING_TTL_MS);
    // A node of an older version says until when instead, which no clock but its own can tell.
    if (!(left > 0)) {
      this.#end(threadId, userId);
      return;
    }
    const thread = this.#thread(threadId);
    const end = thread.ends.get(userId);
    clearTimeout(end);
    // Setting again keeps the place.
    thread.ends.set(
      userId,
      setTimeout(() => this.#end(threadId, userId), left),
    );
    if (end === undefined) this.#changed(thread);
  }

  #end(threadId: string, userId: string): void {
    const thread = this.#threads.get(threadId);
    const end = thread?.ends.get(userId);
    if (thread === undefined || end === undefined) return;
    clearTimeout(end);
    thread.ends.delete(userId);
    this.#changed(thread);
    this.#drop(threadId, thread);
  }

  #changed(thread: TypingThread): void {
    thread.members = undefined;
    for (const watch of thread.watches) watch.wake();
  }

  /** One look for all who are told of the same change; it begins after the change, so whoever was removed by then is out. */
  #membersOf(threadId: string, thread: TypingThread): Promise<ReadonlySet<string>> {
    if (thread.members !== undefined) return thread.members;
    const members = this.presence.findMembers(threadId).finally(() => {
      if (thread.members === members) thread.members = undefined;
    });
    thread.members = members;
    return members;
  }

  #thread(id: string): TypingThread {
    let thread = this.#threads.get(id);
    if (thread === undefined) {
      thread = { ends: new Map(), watches: new Set(), members: undefined };
      this.#threads.set(id, thread);
    }
    return thread;
  }

  #drop(id: string, thread: TypingThread): void {
    if (thread.ends.size === 0 && thread.watches.size === 0 && this.#threads.get(id) === thread)
      this.#threads.delete(id);
  }
}
