import type { Retries } from '../../src/verify/caller.js';
import { ask } from '../../src/verify/caller.js';
import type { Seen } from '../../src/verify/deliveries.js';
import type { LiveEvent } from '../../src/verify/device.js';
import { Device } from '../../src/verify/device.js';
import type { Random } from './random.js';
import { sleep, within } from './random.js';
import type { World } from './world.js';

const TOURISTS = ['tess', 'tom', 'tina'];
const GUIDES = ['gil', 'gus', 'gwen'];
/** Sends of one person at a time. */
const AT_ONCE = 3;

type Manner = 'steady' | 'flapping' | 'slow';

/** A device and what it has seen. */
export interface Witness {
  readonly device: Device;
  readonly manner: Manner;
  readonly seen: Seen[];
  readonly ids: Set<string>;
  last: LiveEvent | undefined;
}

export interface Person {
  readonly userId: string;
  readonly token: string;
  readonly threadIds: string[];
  readonly witnesses: Witness[];
}

export interface Mistakes {
  /** Clients that come back without a cursor. */
  readonly forgetful: boolean;
  /** Clients that give a repeated send a new clientMessageId. */
  readonly renaming: boolean;
}

/** Six people with three devices each, who write to one another and read. */
export class People {
  readonly acknowledged: Seen[] = [];
  readonly retries: Retries = new Map();
  readonly people: Person[] = [];
  /** Requests that were answered with a no. */
  readonly refusals: string[] = [];
  readonly #habits: Promise<unknown>[] = [];
  #stopped = false;
  #sent = 0;

  private constructor(
    private readonly world: World,
    private readonly random: Random,
    private readonly mistakes: Mistakes,
  ) {}

  static async gather(world: World, random: Random, mistakes: Mistakes): Promise<People> {
    const crowd = new People(world, random, mistakes);
    for (const userId of [...TOURISTS, ...GUIDES])
      crowd.people.push({
        userId,
        token: await world.token(userId),
        threadIds: [],
        witnesses: [],
      });
    await crowd.#openThreads();
    for (const person of crowd.people)
      for (const manner of ['steady', 'flapping', 'slow'] as const) crowd.#join(person, manner);
    await within(30_000, 'every device is live', () =>
      crowd.witnesses.every(({ device }) => device.live),
    );
    return crowd;
  }

  get witnesses(): Witness[] {
    return this.people.flatMap(({ witnesses }) => witnesses);
  }

  /** Sends so many messages over so many milliseconds, each until it is acknowledged. */
  async write(count: number, ms: number): Promise<void> {
    const startedAt = performance.now();
    const write = async (person: Person): Promise<void> => {
      while (this.#sent < count) {
        const number = ++this.#sent;
        const ahead = startedAt + (number * ms) / count - performance.now();
        if (ahead > 0) await sleep(ahead);
        await this.#send(person, number).catch((error: unknown) => {
          this.refusals.push(String(error));
        });
      }
    };
    await Promise.all(
      this.people.flatMap((person) => Array.from({ length: AT_ONCE }, () => write(person))),
    );
  }

  /** What people do besides: they read, lose their connections and fall behind, until they are told to behave. */
  live(): void {
    for (const person of this.people) {
      this.#habits.push(
        this.#read(person).catch((error: unknown) => this.refusals.push(String(error))),
      );
      for (const witness of person.witnesses) this.#habits.push(this.#behave(witness));
    }
  }

  behave(): void {
    this.#stopped = true;
    for (const { device } of this.witnesses) device.resume();
  }

  /** Until the last of them has noticed. */
  async atRest(): Promise<void> {
    await Promise.all(this.#habits);
  }

  leave(): void {
    this.#stopped = true;
    for (const { device } of this.witnesses) device.stop();
  }

  readonly address = (): string => this.world.addressOf(this.random.pick(this.world.stations));

  /** A function, for what a loop has asked before it slept may have changed. */
  #isStopped(): boolean {
    return this.#stopped;
  }

  async #openThreads(): Promise<void> {
    for (const tourist of this.people.slice(0, TOURISTS.length))
      for (const guide of this.people.slice(TOURISTS.length)) {
        const { openThread } = await ask<{ openThread: { thread: { id: string } } }>(
          this.address,
          tourist.token,
          'mutation ($input: OpenThreadInput!) { openThread(input: $input) { thread { id } } }',
          { input: { touristId: tourist.userId, guideId: guide.userId } },
        );
        for (const person of [tourist, guide]) person.threadIds.push(openThread.thread.id);
      }
  }

  #join(person: Person, manner: Manner): void {
    const seen: Seen[] = [];
    const ids = new Set<string>();
    const witness: Witness = {
      manner,
      seen,
      ids,
      last: undefined,
      device: new Device({
        address: this.address,
        token: person.token,
        resumes: !this.mistakes.forgetful,
        onEvent: (event) => {
          witness.last = event;
          if (event.message === undefined) return;
          seen.push(event.message);
          ids.add(event.message.id);
        },
      }),
    };
    person.witnesses.push(witness);
  }

  async #send(person: Person, number: number): Promise<void> {
    const threadId = this.random.pick(person.threadIds);
    const body = `${person.userId} ${number}`;
    const { renaming } = this.mistakes;
    let attempt = 0;
    const input = {
      threadId,
      body,
      /** Asked anew with each attempt. */
      get clientMessageId() {
        return renaming ? `m${number}-${++attempt}` : `m${number}`;
      },
    };
    const { sendMessage } = await ask<{ sendMessage: { message: Seen } }>(
      this.address,
      person.token,
      `mutation ($input: SendMessageInput!) { sendMessage(input: $input) {
         message { id threadId sequence body } } }`,
      { input },
      { retries: this.retries },
    );
    this.acknowledged.push(sendMessage.message);
  }

  async #read(person: Person): Promise<void> {
    while (!this.#stopped) {
      await sleep(this.random.between(100, 600));
      const seen = person.witnesses[0]?.seen ?? [];
      if (seen.length === 0) continue;
      const { threadId, sequence } = this.random.pick(seen.slice(-20));
      await ask(
        this.address,
        person.token,
        'mutation ($input: MarkThreadReadInput!) { markThreadRead(input: $input) { markedCount } }',
        { input: { threadId, upToSequence: sequence } },
        { retries: this.retries },
      );
    }
  }

  async #behave({ device, manner }: Witness): Promise<void> {
    while (!this.#stopped && manner !== 'steady') {
      await sleep(this.random.between(300, 2_500));
      if (this.#isStopped()) return;
      if (manner === 'flapping') device.cut();
      else {
        device.pause();
        await sleep(this.random.between(300, 2_000));
        device.resume();
      }
    }
  }
}
