import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EventBus } from '../src/events/event-bus.js';
import type { TestApp } from './support/app.js';
import { startApp } from './support/app.js';
import { addParticipant, openThread, send } from './support/seeds.js';
import type { Subscription } from './support/socket-client.js';
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
});
