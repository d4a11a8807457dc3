// What threads, messages and markers mean, said once more as naively as possible: everything is counted by looking at
// every message. test/model.e2e-spec.ts compares parley with it.
import * as fc from 'fast-check';

export const PEOPLE = ['ann', 'ben', 'cat', 'dan'] as const;
export type Person = (typeof PEOPLE)[number];
export const THREADS = [
  { tourist: 'ann', guide: 'ben' },
  { tourist: 'cat', guide: 'ben' },
] as const;
type Status = 'ACTIVE' | 'ARCHIVED' | 'BLOCKED';

interface AtThread {
  readonly thread: number;
}
interface ByPerson extends AtThread {
  readonly who: Person;
}
export type Command =
  | (ByPerson & { kind: 'send'; body: string; clientId: number; replyTo: number | null })
  | (AtThread & { kind: 'system' })
  | (ByPerson & { kind: 'edit'; sequence: number; body: string })
  | (ByPerson & { kind: 'delete'; sequence: number; asAdmin: boolean })
  | (ByPerson & { kind: 'read'; upTo: number | null })
  | (ByPerson & { kind: 'receive'; upTo: number })
  | (ByPerson & { kind: 'status'; status: Status })
  | (ByPerson & { kind: 'join' })
  | (ByPerson & { kind: 'leave' })
  | { kind: 'rename'; who: Person; name: string }
  | (AtThread & { kind: 'remove' });

const who = fc.constantFrom(...PEOPLE);
const thread = fc.nat(THREADS.length - 1);
const place = fc.integer({ min: 1, max: 30 });
const body = fc.constantFrom('one', 'two', 'three');
const is = <Kind extends string>(kind: Kind): fc.Arbitrary<Kind> => fc.constant(kind);

export const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 120,
    arbitrary: fc.record({
      kind: is('send'),
      who,
      thread,
      body,
      // A pool, so that ids are used again: as repeats and as conflicts.
      clientId: fc.nat(60),
      replyTo: fc.option(place, { freq: 4 }),
    }),
  },
  { weight: 20, arbitrary: fc.record({ kind: is('system'), thread }) },
  { weight: 30, arbitrary: fc.record({ kind: is('edit'), who, thread, sequence: place, body }) },
  {
    weight: 40,
    arbitrary: fc.record({
      kind: is('delete'),
      who,
      thread,
      sequence: place,
      asAdmin: fc.boolean(),
    }),
  },
  {
    weight: 60,
    arbitrary: fc.record({
      kind: is('read'),
      who,
      thread,
      upTo: fc.option(fc.nat(40), { freq: 3 }),
    }),
  },
  { weight: 30, arbitrary: fc.record({ kind: is('receive'), who, thread, upTo: fc.nat(40) }) },
  {
    weight: 20,
    arbitrary: fc.record({
      kind: is('status'),
      who,
      thread,
      status: fc.constantFrom<Status[]>('ACTIVE', 'ACTIVE', 'ACTIVE', 'ARCHIVED', 'BLOCKED'),
    }),
  },
  { weight: 30, arbitrary: fc.record({ kind: is('join'), who, thread }) },
  { weight: 20, arbitrary: fc.record({ kind: is('leave'), who, thread }) },
  { weight: 10, arbitrary: fc.record({ kind: is('rename'), who, name: body }) },
  { weight: 1, arbitrary: fc.record({ kind: is('remove'), thread }) },
);

interface Message {
  readonly author: string;
  readonly isSystem: boolean;
  readonly clientId: number | null;
  readonly sent: string;
  body: string;
  isDeleted: boolean;
  versions: string[];
}
interface Member {
  readonly joined: number;
  read: number;
  delivered: number;
}
interface Thread {
  status: Status;
  blockedBy: string | null;
  readonly members: Map<string, Member>;
  readonly messages: Message[];
}

/** How a message stands, as its thread's members see it. */
export interface Standing {
  readonly sequence: number;
  readonly body: string;
  readonly status: 'SENT' | 'DELIVERED' | 'READ';
  readonly readBy: readonly string[];
}

export class Model {
  readonly #threads = THREADS.map<Thread | null>(({ tourist, guide }) => ({
    status: 'ACTIVE',
    blockedBy: null,
    members: new Map([tourist, guide].map((name) => [name, { joined: 0, read: 0, delivered: 0 }])),
    messages: [],
  }));

  /** @returns OK with what the answer says, or the code of the refusal */
  apply(command: Command): string {
    if (command.kind === 'rename') return 'OK';
    const thread = this.#threads[command.thread];
    if (thread === null || thread === undefined) return 'NOT_FOUND';
    if (command.kind === 'remove') {
      this.#threads[command.thread] = null;
      return 'OK';
    }
    if (command.kind === 'system') {
      if (thread.status === 'BLOCKED') return 'THREAD_BLOCKED';
      add(thread, 'platform', true, 'system', null);
      return 'OK';
    }
    const { who } = command;
    const member = thread.members.get(who);
    if (command.kind === 'join') {
      const at = thread.messages.length;
      if (member === undefined) thread.members.set(who, { joined: at, read: at, delivered: at });
      return 'OK';
    }
    if (command.kind === 'leave') {
      const { tourist, guide } = THREADS[command.thread]!;
      if (who === tourist || who === guide) return 'BAD_USER_INPUT';
      thread.members.delete(who);
      return 'OK';
    }
    if (command.kind === 'delete') return this.#delete(thread, command);
    if (member === undefined) return 'NOT_FOUND';
    if (command.kind === 'send') return this.#send(thread, command);
    if (command.kind === 'edit') return this.#edit(thread, command);
    if (command.kind === 'status') return this.#setStatus(thread, command);
    const upTo = Math.min(command.upTo ?? Infinity, thread.messages.length);
    if (command.kind === 'receive') {
      member.delivered = Math.max(member.delivered, upTo);
      return 'OK';
    }
    const before = unread(thread, who);
    member.read = Math.max(member.read, upTo);
    member.delivered = Math.max(member.delivered, upTo);
    return `OK ${before - unread(thread, who)}`;
  }

  #send(thread: Thread, { who, body, clientId, replyTo }: Command & { kind: 'send' }): string {
    const sent = JSON.stringify([body, replyTo]);
    for (const other of this.#threads)
      for (const message of other?.messages ?? [])
        if (message.author === who && message.clientId === clientId)
          return other === thread && message.sent === sent ? 'OK deduplicated' : 'CONFLICT';
    if (thread.status !== 'ACTIVE') return `THREAD_${thread.status}`;
    if (replyTo !== null && thread.messages[replyTo - 1] === undefined) return 'NOT_FOUND';
    add(thread, who, false, body, clientId, sent);
    return 'OK';
  }

  #edit(thread: Thread, { who, sequence, body }: Command & { kind: 'edit' }): string {
    const message = thread.messages[sequence - 1];
    if (message === undefined) return 'NOT_FOUND';
    if (message.author !== who || message.isSystem) return 'FORBIDDEN';
    if (message.isDeleted) return 'CONFLICT';
    if (message.body === body) return 'OK';
    if (thread.status !== 'ACTIVE') return `THREAD_${thread.status}`;
    message.versions.push(message.body);
    message.body = body;
    return 'OK';
  }

  #delete(thread: Thread, { who, sequence, asAdmin }: Command & { kind: 'delete' }): string {
    const message = thread.messages[sequence - 1];
    if (message === undefined || !(asAdmin || thread.members.has(who))) return 'NOT_FOUND';
    if (!asAdmin && (message.author !== who || message.isSystem)) return 'FORBIDDEN';
    if (message.isDeleted) return 'OK';
    message.versions.push(message.body);
    message.body = '';
    message.isDeleted = true;
    return 'OK';
  }

  #setStatus(thread: Thread, { who, status }: Command & { kind: 'status' }): string {
    if (thread.status === status) return 'OK';
    if (thread.status === 'BLOCKED' && thread.blockedBy !== who) return 'FORBIDDEN';
    thread.status = status;
    thread.blockedBy = status === 'BLOCKED' ? who : null;
    add(thread, who, true, 'status', null);
    return 'OK';
  }

  /** Unread messages by thread, of threads that the person is in. */
  unreadOf(person: string): ReadonlyMap<number, number> {
    const counts = new Map<number, number>();
    this.#threads.forEach((thread, index) => {
      if (thread?.members.has(person) === true) counts.set(index, unread(thread, person));
    });
    return counts;
  }

  standingOf(index: number): Standing[] {
    const thread = this.#threads[index];
    return (thread?.messages ?? []).map((message, at) => {
      const sequence = at + 1;
      const others = [...thread!.members].filter(
        ([name, { joined }]) => name !== message.author && joined < sequence,
      );
      const readers = others.filter(([, { read }]) => read >= sequence).map(([name]) => name);
      const delivered = others.every(([, marker]) => marker.delivered >= sequence);
      const status =
        others.length === 0
          ? 'SENT'
          : readers.length === others.length
            ? 'READ'
            : delivered
              ? 'DELIVERED'
              : 'SENT';
      return {
        sequence,
        body: message.isSystem ? '' : message.body,
        status,
        readBy: readers.sort(),
      };
    });
  }
}

function add(
  { messages }: Thread,
  author: string,
  isSystem: boolean,
  body: string,
  clientId: number | null,
  sent = '',
): void {
  messages.push({ author, isSystem, clientId, sent, body, isDeleted: false, versions: [] });
}

const unread = ({ messages, members }: Thread, person: string): number =>
  messages.filter(
    ({ author, isDeleted }, at) =>
      at + 1 > members.get(person)!.read && author !== person && !isDeleted,
  ).length;
