import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { EventBus } from '../src/events/event-bus.js';
import type { BusEvent } from '../src/events/events.js';
import { Hub } from '../src/inbox/hub.js';
import type { TestApp } from './support/app.js';
import { signToken, startApp, until } from './support/app.js';
import { openThread, send } from './support/seeds.js';
import type { SocketClient, Subscription } from './support/socket-client.js';

const SWEEP_MS = 1_000;
const CUTS = 1_000;
const QUERY = `subscription ($after: String) {
  messageAdded(after: $after) { cursor message { id sequence threadId } }
}`;

/** A device that uses the stock client, as docs/protocol.md tells to: the cursor lives in the variables object. */
class Device {
  readonly got: string[] = [];
  readonly #client;
  #socket: WebSocket | undefined;
  cuts = 0;

  constructor(app: TestApp, userId: string, after: string) {
    const remember = (socket: WebSocket): void => {
      this.#socket = socket;
    };
    this.#client = createClient({
      url: `${app.url.replace('http', 'ws')}/graphql`,
      connectionParams: async () => ({ authorization: `Bearer ${await signToken(userId)}` }),
      webSocketImpl: class extends WebSocket {
        constructor(url: string, protocols: string) {
          super(url, protocols);
          this.on('error', () => undefined);
          remember(this);
        }
      },
      shouldRetry: () => true,
      retryAttempts: Infinity,
      retryWait: () => new Promise((resolve) => setImmediate(resolve)),
    });
    const variables = { after };
    this.#client.subscribe<any>(
      { query: QUERY, variables },
      {
        next: ({ data }) => {
          variables.after = data.messageAdded.cursor;
          this.got.push(data.messageAdded.message.id);
        },
        error: (error) => this.got.push(`error: ${JSON.stringify(error)}`),
        complete: () => undefined,
      },
    );
  }

  /** @returns whether there was a connection to cut */
  cut(): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.terminate();
    this.cuts += 1;
    return true;
  }

  async dispose(): Promise<void> {
    await this.#client.dispose();
  }
}

describe('the live stream under faults', () => {
  let app: TestApp;
  let threadId: string;
  let people = 0;
  let ann: string;
  let ben: string;

  beforeAll(async () => {
    app = await startApp({ INBOX_SWEEP_MS: String(SWEEP_MS) });
  });
  afterAll(() => app.stop());

  const fresh = async (): Promise<void> => {
    people += 1;
    [ann, ben] = [`ann-${people}`, `ben-${people}`];
    ({ id: threadId } = await openThread(app, { tourist: ann, guide: ben }));
  };
  const cursorOf = async (userId: string): Promise<string> =>
    (await app.as(userId).run('{ viewer { cursor } }')).viewer.cursor;
  /** Messages from now on: the stream runs, and has nothing to catch up with. */
  const follow = async (socket: SocketClient): Promise<Subscription> => {
    const inbox = socket.start(
      'subscription { inboxEvents { __typename ... on MessageAdded { message { id body } } } }',
    );
    expect((await inbox.next()).inboxEvents.__typename).toBe('InboxReady');
    return inbox;
  };
  const take = async (inbox: Subscription, count: number): Promise<string[]> =>
    (await inbox.take(count)).map(({ inboxEvents }) => inboxEvents.message.id);
  /** The ids of the thread, as committed, oldest first. */
  const committed = async (): Promise<string[]> => {
    const ids: string[] = [];
    for (let after: string | null = null, more = true; more;) {
      const { thread } = await app.as(ben).run(
        `query ($id: ID!, $after: String) {
          thread(id: $id) { messages(first: 100, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }
        }`,
        { id: threadId, after },
      );
      ids.push(...thread.messages.nodes.map(({ id }: any) => id));
      ({ hasNextPage: more, endCursor: after } = thread.messages.pageInfo);
    }
    return ids;
  };

  it(`gives every device everything, in order and once, over ${CUTS} cuts under a writing load`, async () => {
    await fresh();
    const start = { ann: await cursorOf(ann), ben: await cursorOf(ben) };
    const devices = [
      ...[1, 2, 3, 4].map(() => new Device(app, ben, start.ben)),
      ...[1, 2].map(() => new Device(app, ann, start.ann)),
    ];
    const cuts = (): number => devices.reduce((sum, device) => sum + device.cuts, 0);
    let writing = true;
    const writers = [ann, ben].map(async (writer) => {
      const client = app.as(writer);
      while (writing) await send(client, threadId);
    });
    // Which device is cut depends on what came before, so the cuts fall anywhere between connect and delivery.
    for (let turn = 0; cuts() < CUTS; turn = (turn * 7 + 3) % 1_009) {
      devices[turn % devices.length]?.cut();
      await new Promise((resolve) => setImmediate(resolve));
    }
    writing = false;
    await Promise.all(writers);
    const expected = await committed();
    await until(
      () => devices.every(({ got }) => got.length >= expected.length),
      'every device has caught up',
      30_000,
    );
    for (const device of devices) {
      expect(device.got).toEqual(expected);
      await device.dispose();
    }
    expect(cuts()).toBeGreaterThanOrEqual(CUTS);
    expect(expected.length).toBeGreaterThan(100);
  }, 120_000);

  describe('on the bus', () => {
    // What a node has written itself needs no hint: so another one writes, and its hints go the way of the fault.
    let elsewhere: TestApp;
    let publish: (event: BusEvent) => void;
    beforeAll(async () => {
      elsewhere = await startApp({}, { url: app.databaseUrl });
      const bus = app.get(EventBus);
      publish = bus.publish.bind(bus);
    });
    afterAll(() => elsewhere.close());

    const watchWith = async (
      fault: (event: BusEvent) => void,
      onceSent: (inbox: Subscription) => void = () => undefined,
    ): Promise<{ got: string[]; sent: string[] }> => {
      await fresh();
      const inbox = await follow(await app.socket(ben));
      let hints = 0;
      const buses = [app, elsewhere].map((node) => node.get(EventBus));
      for (const bus of buses)
        bus.publish = (event) => {
          if (event.type === 'inboxGrew' && event.userId === ben) hints += 1;
          fault(event);
        };
      try {
        const sent: string[] = [];
        const got: string[] = [];
        for (let round = 0; round < 4; round++) {
          const writer = elsewhere.as(ann);
          sent.push((await send(writer, threadId)).id, (await send(writer, threadId)).id);
          onceSent(inbox);
          got.push(...(await take(inbox, 2)));
        }
        expect(inbox.pending).toEqual([]);
        expect(hints).toBeGreaterThanOrEqual(sent.length);
        return { got, sent };
      } finally {
        for (const bus of buses) bus.publish = publish;
      }
    };

    it('loses every hint, and everything arrives with the next sweep', async () => {
      const hub = app.get(Hub);
      const sweep = hub.sweep.bind(hub);
      // As long as the hub's own interval, and as late as it on a busy machine: neither comes twice without the other in between.
      let moments = 0;
      const clock = setInterval(() => (moments += 1), SWEEP_MS);
      let sentAt: number | undefined;
      const waits: number[] = [];
      hub.sweep = async () => {
        // Only the first one after each round may look, so nothing else can have told of it.
        if (sentAt === undefined) return;
        waits.push(moments - sentAt);
        sentAt = undefined;
        await sweep();
      };
      try {
        const { got, sent } = await watchWith(
          () => undefined,
          (inbox) => {
            expect(inbox.pending).toEqual([]);
            sentAt = moments;
          },
        );
        expect(got).toEqual(sent);
        expect(waits).toHaveLength(4);
        expect(Math.max(...waits)).toBeLessThanOrEqual(1);
      } finally {
        clearInterval(clock);
        hub.sweep = sweep;
      }
    });

    it('doubles every hint, and nothing arrives twice', async () => {
      const { got, sent } = await watchWith((event) => {
        publish(event);
        publish(event);
        publish(event);
      });
      expect(got).toEqual(sent);
    });

    it('reorders the hints and repeats old ones, and the order holds', async () => {
      const held: BusEvent[] = [];
      const { got, sent } = await watchWith((event) => {
        held.push(event);
        for (const old of [...held].reverse()) publish(old);
      });
      expect(got).toEqual(sent);
    });

    it('invents hints, and nothing is lost or invented', async () => {
      const { got, sent } = await watchWith((event) => {
        if (event.type === 'inboxGrew') publish({ ...event, position: event.position + 50 });
      });
      expect(got).toEqual(sent);
    });
  });

  it('leaves a stalled reader behind with bounded memory, and loses nothing for it', async () => {
    await fresh();
    const stalled = await app.socket(ben);
    const inbox = await follow(stalled);
    stalled.ws.pause();
    const sent: string[] = [];
    // 16 KB each: together more than the kernel's buffers and ours can hold.
    const body = '\u{1F600}'.repeat(4_000);
    const writers = Array.from({ length: 4 }, async () => {
      const client = app.as(ann);
      for (let count = 0; count < 150; count++) sent.push((await send(client, threadId, body)).id);
    });
    await Promise.all(writers);
    stalled.ws.resume();
    const got = await take(inbox, sent.length);
    expect(got).toEqual(await committed());
    expect(got).toHaveLength(600);
  }, 60_000);
});
