import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EventBus } from '../src/events/event-bus.js';
import type { ClientSocket } from '../src/graphql/socket-connection.js';
import { SocketOperations } from '../src/graphql/socket-operations.js';
import type { TestApp } from './support/app.js';
import { startApp, until } from './support/app.js';
import {
  addParticipant,
  openThread,
  PLATFORM,
  send,
  sendMany,
  setStatus,
} from './support/seeds.js';
import type { SocketClient, Subscription } from './support/socket-client.js';
import { statementsOf } from './support/statements.js';

const EVENTS = `subscription ($after: String) { messageAdded(after: $after) {
  cursor unreadMessageCount message { id sequence body } thread { id lastSequence unreadCount }
} }`;

/** What a node has written itself, it tells without being told: no sweep comes to its help here. */
describe('messages that are sent on the node', () => {
  let app: TestApp;
  let threadId: string;
  let people = 0;
  let [ann, ben, cat] = ['', '', ''];

  beforeAll(async () => {
    app = await startApp({ INBOX_SWEEP_MS: '60000' });
  });
  beforeEach(async () => {
    people += 1;
    [ann, ben, cat] = [`ann-${people}`, `ben-${people}`, `cat-${people}`];
    ({ id: threadId } = await openThread(app, { tourist: ann, guide: ben }));
    await addParticipant(app, threadId, cat);
  });
  afterAll(() => app.stop());

  const watch = async (person: string, after: string): Promise<Subscription> =>
    (await app.socket(person)).start(EVENTS, { after });
  const cursorOf = async (person: string): Promise<string> =>
    (await app.as(person).run('{ viewer { cursor } }')).viewer.cursor;
  const idsOf = async (stream: Subscription, count: number): Promise<string[]> =>
    (await stream.take(count)).map(({ messageAdded }) => messageAdded.message.id);
  const stored = async (): Promise<string[]> => {
    const ids: string[] = [];
    for (let after: string | null = null, more = true; more;) {
      const { thread } = await app.as(ann).run(
        `query ($id: ID!, $after: String) { thread(id: $id) {
           messages(first: 100, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } } }`,
        { id: threadId, after },
      );
      ids.push(...thread.messages.nodes.map(({ id }: any) => id));
      ({ hasNextPage: more, endCursor: after } = thread.messages.pageInfo);
    }
    return ids;
  };

  it('reach every device while the bus is silent, without a read of the journal', async () => {
    const devices = [
      await watch(ben, await cursorOf(ben)),
      await watch(ben, await cursorOf(ben)),
      await watch(ann, await cursorOf(ann)),
      await watch(cat, await cursorOf(cat)),
    ];
    // The first one may find the streams still on their way.
    await send(app.as(ann), threadId);
    for (const device of devices) await device.next();
    const bus = app.get(EventBus);
    const publish = bus.publish.bind(bus);
    bus.publish = () => undefined;
    try {
      const statements = await statementsOf(app, async () => {
        for (let count = 2; count <= 6; count++) {
          const { id } = await send(app.as(ann), threadId);
          for (const [place, device] of devices.entries())
            expect((await device.next()).messageAdded).toMatchObject({
              message: { id, sequence: count },
              thread: { id: threadId, lastSequence: count, unreadCount: place === 2 ? 0 : count },
              unreadMessageCount: place === 2 ? 0 : count,
            });
        }
      });
      expect(statements.filter(({ text }) => /FROM inbox_entries/.test(text))).toEqual([]);
    } finally {
      bus.publish = publish;
    }
    for (const device of devices) expect(device.pending).toEqual([]);
  });

  it('come in a burst to every socket of a person, complete, in order and once, whatever each can take', async () => {
    const start = await cursorOf(ben);
    const quick = await watch(ben, start);
    const stalled = await app.socket(ben);
    const slow = stalled.start(EVENTS, { after: start });
    await send(app.as(ann), threadId);
    await slow.next();
    stalled.ws.pause();
    // 16 KB each: more than the kernel's buffers and ours hold for the one that does not read.
    const body = '\u{1F600}'.repeat(4_000);
    const each = 100;
    let late: Subscription | undefined;
    await Promise.all(
      [ann, cat, ann, cat].map(async (writer, place) => {
        for (let count = 0; count < each; count++) {
          await send(app.as(writer), threadId, count % 2 === 0 ? body : String(count));
          if (place === 0 && count === each / 2) late = await watch(ben, start);
        }
      }),
    );
    stalled.ws.resume();
    const expected = await stored();
    expect(expected).toHaveLength(4 * each + 1);
    expect(await idsOf(quick, expected.length)).toEqual(expected);
    expect(await idsOf(late!, expected.length)).toEqual(expected);
    expect(await idsOf(slow, expected.length - 1)).toEqual(expected.slice(1));
    // Whatever came twice would stand before this one.
    const { id: last } = await send(app.as(ann), threadId);
    for (const device of [quick, late!, slow]) expect(await idsOf(device, 1)).toEqual([last]);
  });

  describe('to a device that reads nothing for a while', () => {
    const INBOX =
      'subscription { inboxEvents { __typename ... on MessageAdded { message { body } } } }';
    const LARGE = `subscription { inboxEvents {
      __typename ... on MessageAdded { thread { messages(last: 50) { nodes { body } } } }
    } }`;
    let stalled: SocketClient;
    let events: Subscription;
    beforeEach(async () => {
      stalled = await app.socket(cat);
      events = stalled.start(INBOX);
      await events.next();
      await stalled.start(LARGE).next();
      stalled.ws.pause();
      const [{ connection }] = [...app.get(SocketOperations).sockets].filter(
        ({ connection: { viewer } }) => viewer?.userId === cat,
      ) as [ClientSocket];
      const quick = await app.socket(cat);
      const seen = quick.start(LARGE);
      await seen.next();
      let fullFor = 0;
      await until(
        async () => {
          fullFor = connection.ready ? 0 : fullFor + 1;
          if (fullFor > 0) return fullFor === 50;
          // Events of 800 KB, soon; one at a time, so that it is full right behind the newest.
          await send(app.as(ann), threadId, '\u{1F600}'.repeat(4_000));
          await seen.next();
          return false;
        },
        'its socket is full and stays so',
        30_000,
      );
      await quick.close();
    }, 40_000);

    /** Everything that it is told, to the first event of a type. */
    const readOn = async (last: string): Promise<string> => {
      stalled.ws.resume();
      const told: unknown[] = [];
      for (;;) {
        const { inboxEvents } = await events.next();
        told.push(inboxEvents);
        if (inboxEvents.__typename === last) return JSON.stringify(told);
      }
    };

    it('are told as they are by then', async () => {
      for (const { id: messageId } of await sendMany(app.as(ann), threadId, 3, () => 'a secret'))
        await app
          .as(ann)
          .run(
            'mutation ($i: DeleteMessageInput!) { deleteMessage(input: $i) { message { id } } }',
            {
              i: { messageId },
            },
          );
      await setStatus(app.as(ann), threadId, 'ARCHIVED');
      expect(await readOn('ThreadUpdated')).not.toMatch('secret');
    }, 60_000);

    it('are not told when they are no longer its to see', async () => {
      await send(app.as(ann), threadId, 'a secret');
      await app
        .as('platform', PLATFORM)
        .run(
          'mutation ($i: RemoveParticipantInput!) { removeParticipant(input: $i) { thread { id } } }',
          { i: { threadId, userId: cat } },
        );
      expect(await readOn('ThreadRemoved')).not.toMatch('secret');
    }, 60_000);
  });
});
