import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { TestApp } from './support/app.js';
import { startApp } from './support/app.js';
import type { HttpClient } from './support/http-client.js';
import { addParticipant, markRead, openThread, send } from './support/seeds.js';
import { prefer } from './support/smtp-people.js';

/** Makes notifications only for whoever asks for theirs. */
let app: TestApp;
/** Wants to be told of receipts, has said something, and has read the thread to its end. */
let sender: HttpClient;
let reader: HttpClient;
let threadId: string;

beforeAll(async () => {
  app = await startApp();
});
beforeEach(async () => {
  const [tourist, guide] = [`t-${randomUUID()}`, `g-${randomUUID()}`];
  ({ id: threadId } = await openThread(app, { tourist, guide }));
  [sender, reader] = [app.as(tourist), app.as(guide)];
  await prefer(app, tourist, { channels: [{ channel: 'IN_APP', types: ['MESSAGE_READ'] }] });
  await send(sender, threadId);
  await markRead(sender, threadId);
});
afterAll(() => app.stop());

const unreadOf = async (client: HttpClient): Promise<unknown> =>
  (await client.run('{ notifications(unread: true) { nodes { type count } } }')).notifications
    .nodes;

const cursorOf = async (client: HttpClient): Promise<string> =>
  (await client.run('{ viewer { cursor } }')).viewer.cursor;

const eventsAfter = async (client: HttpClient, after: string): Promise<unknown> =>
  (
    await client.run(
      `query ($after: String) { sync(after: $after) { events {
         __typename ... on MessageRead { receipt upToSequence upToMessage { sequence } thread { unreadCount } }
       } } }`,
      { after },
    )
  ).sync.events;

const LOOK = {
  __typename: 'MessageRead',
  receipt: 'READ',
  upToSequence: 1,
  upToMessage: { sequence: 1 },
  thread: { unreadCount: 0 },
};

describe('opening a thread that is read to its end', () => {
  it('reads its receipts, and tells one’s other devices once', async () => {
    await markRead(reader, threadId);
    expect(await unreadOf(sender)).toEqual([{ type: 'MESSAGE_READ', count: 1 }]);
    const before = await cursorOf(sender);
    const marked = await Promise.all([1, 2, 3, 4].map(() => markRead(sender, threadId)));
    expect(marked).toEqual([0, 0, 0, 0]);
    expect(await eventsAfter(sender, before)).toEqual([LOOK]);
    expect(await unreadOf(sender)).toEqual([]);
    await markRead(sender, threadId);
    expect(await eventsAfter(sender, before)).toEqual([LOOK]);
  });

  it('reads the receipts that nobody has made a notification of yet', async () => {
    const before = await cursorOf(sender);
    await markRead(reader, threadId);
    await markRead(sender, threadId);
    await markRead(sender, threadId);
    expect(await eventsAfter(sender, before)).toEqual([LOOK, LOOK]);
    expect(await unreadOf(sender)).toEqual([]);
  });

  it('reads no receipt that comes later', async () => {
    const late = `m-${randomUUID()}`;
    await addParticipant(app, threadId, late);
    await send(sender, threadId);
    await send(sender, threadId);
    await markRead(sender, threadId);
    await markRead(reader, threadId, 2);
    expect(await unreadOf(sender)).toEqual([{ type: 'MESSAGE_READ', count: 2 }]);
    await markRead(sender, threadId);
    await markRead(app.as(late), threadId);
    expect(await unreadOf(sender)).toEqual([{ type: 'MESSAGE_READ', count: 1 }]);
    await markRead(sender, threadId);
    expect(await unreadOf(sender)).toEqual([]);
  });

  it('writes nothing where there is no receipt to read', async () => {
    const [ofSender, ofReader] = [await cursorOf(sender), await cursorOf(reader)];
    await markRead(sender, threadId);
    expect(await cursorOf(sender)).toBe(ofSender);
    expect(await cursorOf(reader)).toBe(ofReader);
    await markRead(reader, threadId);
    await send(reader, threadId);
    await markRead(sender, threadId);
    const afterwards = [await cursorOf(sender), await cursorOf(reader)];
    for (const client of [sender, reader, sender, reader]) await markRead(client, threadId, 1);
    expect([await cursorOf(sender), await cursorOf(reader)]).toEqual(afterwards);
  });

  it('is nothing that reading up to 0 does, which reaches no message', async () => {
    const [tourist, guide] = [`t-${randomUUID()}`, `g-${randomUUID()}`];
    const unread = await openThread(app, { tourist, guide });
    await prefer(app, tourist, { channels: [{ channel: 'IN_APP', types: ['MESSAGE_READ'] }] });
    await send(app.as(tourist), unread.id);
    await markRead(app.as(guide), unread.id);
    const before = await cursorOf(app.as(tourist));
    expect(await markRead(app.as(tourist), unread.id, 0)).toBe(0);
    expect(await unreadOf(app.as(tourist))).toEqual([{ type: 'MESSAGE_READ', count: 1 }]);
    expect(await eventsAfter(app.as(tourist), before)).toEqual([
      { __typename: 'NotificationAdded' },
    ]);
  });

  it('writes nothing where nobody wants receipts', async () => {
    await send(reader, threadId);
    await markRead(reader, threadId);
    await markRead(sender, threadId);
    const before = await cursorOf(reader);
    await markRead(reader, threadId);
    expect(await cursorOf(reader)).toBe(before);
  });
});
