import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { JournalRepository } from '../src/inbox/journal.repository.js';
import type { TestApp } from './support/app.js';
import { startApp, until } from './support/app.js';
import { meanwhile } from './support/meanwhile.js';
import {
  addParticipant,
  deleteMessage,
  deleteThread,
  markRead,
  openThread,
  PLATFORM,
  removeParticipant,
  send,
  sendMany,
  setStatus,
} from './support/seeds.js';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ NOTIFIER: 'true' });
});
afterAll(() => app.stop());

interface Told {
  id: string;
  type: string;
  count: number;
  readAt: string | null;
  createdAt: string;
  updatedAt: string;
  threadId: string;
  thread: { id: string } | null;
  message: { id: string; body: string; sequence: number } | null;
  actor: { id: string } | null;
}

const FIELDS = `id type count readAt createdAt updatedAt threadId thread { id } message { id body sequence } actor { id }`;

async function feedOf(person: string, args = ''): Promise<Told[]> {
  const data: unknown = await app
    .as(person)
    .run(`{ notifications${args} { nodes { ${FIELDS} } } }`);
  return (data as { notifications: { nodes: Told[] } }).notifications.nodes;
}

async function unreadOf(person: string): Promise<number> {
  const data: unknown = await app.as(person).run('{ viewer { unreadNotificationCount } }');
  return (data as { viewer: { unreadNotificationCount: number } }).viewer.unreadNotificationCount;
}

const markNotificationsRead = (person: string, ids?: string[]): Promise<any> =>
  app.as(person).run(
    `mutation ($input: MarkNotificationsReadInput!) {
       markNotificationsRead(input: $input) { viewer { unreadNotificationCount } }
     }`,
    { input: { ids } },
  );

const mute = (person: string, threadId: string, until: string | null): Promise<unknown> =>
  app
    .as(person)
    .run('mutation ($input: MuteThreadInput!) { muteThread(input: $input) { thread { id } } }', {
      input: { threadId, until },
    });

/** People of their own for each test, so that no feed has another test's entries. */
async function pair(): Promise<{ tourist: string; guide: string; threadId: string }> {
  const tourist = `t-${randomUUID()}`;
  const guide = `g-${randomUUID()}`;
  return { tourist, guide, threadId: (await openThread(app, { tourist, guide })).id };
}

describe('the feed', () => {
  it('has one notification per thread, which counts up and never tells the sender', async () => {
    const { tourist, guide, threadId } = await pair();
    const messages = await sendMany(app.as(tourist), threadId, 3);
    const [told, ...more] = await feedOf(guide);
    expect(more).toEqual([]);
    expect(told).toMatchObject({
      type: 'NEW_MESSAGE',
      count: 3,
      readAt: null,
      threadId,
      thread: { id: threadId },
      message: { id: messages[2]!.id, body: '3', sequence: 3 },
      actor: { id: tourist },
    });
    expect(await unreadOf(guide)).toBe(1);
    expect(await feedOf(tourist)).toEqual([]);
    expect(await unreadOf(tourist)).toBe(0);
  });

  it('is read by reading the thread, partly by reading part of it, and begins anew afterwards', async () => {
    const { tourist, guide, threadId } = await pair();
    await sendMany(app.as(tourist), threadId, 5);
    expect(await unreadOf(guide)).toBe(1);
    await markRead(app.as(guide), threadId, 2);
    expect(await feedOf(guide)).toMatchObject([{ count: 3, readAt: null }]);
    await markRead(app.as(guide), threadId);
    const [first] = await feedOf(guide);
    expect(first!.readAt).not.toBeNull();
    expect(await unreadOf(guide)).toBe(0);
    await send(app.as(tourist), threadId, 'again');
    expect(await feedOf(guide)).toMatchObject([
      { count: 1, readAt: null, message: { body: 'again' } },
      { id: first!.id, count: 3 },
    ]);
    expect(await feedOf(guide, '(unread: true)')).toHaveLength(1);
    expect(await feedOf(guide, '(unread: false)')).toMatchObject([{ id: first!.id }]);
  });

  it('shows edits, and forgets what was deleted', async () => {
    const { tourist, guide, threadId } = await pair();
    const [one, two] = await sendMany(app.as(tourist), threadId, 2);
    await app
      .as(tourist)
      .run(
        'mutation ($input: EditMessageInput!) { editMessage(input: $input) { message { id } } }',
        {
          input: { messageId: two!.id, body: 'two' },
        },
      );
    expect(await feedOf(guide)).toMatchObject([{ count: 2, message: { body: 'two' } }]);
    await deleteMessage(app.as(tourist), two!.id);
    expect(await feedOf(guide)).toMatchObject([{ count: 1, message: { id: one!.id, body: '1' } }]);
    await deleteMessage(app.as(tourist), one!.id);
    expect(await feedOf(guide)).toEqual([]);
    expect(await unreadOf(guide)).toBe(0);
    await send(app.as(tourist), threadId, 'three');
    expect(await feedOf(guide)).toMatchObject([{ count: 1, message: { body: 'three' } }]);
  });

  it('has nothing of muted threads, and has them again afterwards', async () => {
    const { tourist, guide, threadId } = await pair();
    await mute(guide, threadId, '2100-01-01T00:00:00Z');
    await send(app.as(tourist), threadId);
    expect(await feedOf(guide)).toEqual([]);
    await mute(guide, threadId, null);
    await send(app.as(tourist), threadId, 'heard');
    expect(await feedOf(guide)).toMatchObject([{ count: 1, message: { body: 'heard' } }]);
  });

  it('tells of system messages and of another’s change of status', async () => {
    const { tourist, guide, threadId } = await pair();
    await app
      .as('platform', PLATFORM)
      .run(
        `mutation ($input: SendSystemMessageInput!) { sendSystemMessage(input: $input) { message { id } } }`,
        { input: { threadId, body: 'Paid.', code: 'trip.paid', clientMessageId: randomUUID() } },
      );
    await setStatus(app.as(tourist), threadId, 'ARCHIVED');
    expect(await feedOf(guide)).toMatchObject([
      { type: 'THREAD_STATUS_CHANGED', actor: { id: tourist } },
      { type: 'SYSTEM_MESSAGE', actor: null, message: { body: 'Paid.' } },
    ]);
    expect((await feedOf(tourist)).map(({ type }) => type)).toEqual(['SYSTEM_MESSAGE']);
  });

  it('says nothing of what is no longer the viewer’s', async () => {
    const { tourist, threadId } = await pair();
    const friend = `m-${randomUUID()}`;
    await addParticipant(app, threadId, friend);
    await send(app.as(tourist), threadId);
    const [told] = await feedOf(friend);
    await removeParticipant(app, threadId, friend);
    expect(await feedOf(friend)).toEqual([]);
    expect(await unreadOf(friend)).toBe(0);
    await expect(markNotificationsRead(friend, [told!.id])).rejects.toThrow('NOT_FOUND');
    await addParticipant(app, threadId, friend);
    expect(await feedOf(friend)).toEqual([]);
    await send(app.as(tourist), threadId, 'back');
    expect(await feedOf(friend)).toMatchObject([{ count: 1, message: { body: 'back' } }]);
    await deleteThread(app, threadId);
    expect(await feedOf(friend)).toEqual([]);
    expect(await unreadOf(friend)).toBe(0);
  });

  it('pages newest first by cursor, and refuses cursors of other lists', async () => {
    const guide = `g-${randomUUID()}`;
    const threads: string[] = [];
    for (let place = 0; place < 5; place++) {
      const tourist = `t-${randomUUID()}`;
      threads.unshift((await openThread(app, { tourist, guide })).id);
      await send(app.as(tourist), threads[0]!);
      await unreadOf(guide);
    }
    const seen: string[] = [];
    let after: string | null = null;
    for (let more = true; more;) {
      const data: any = await app.as(guide).run(
        `query ($after: String) {
           notifications(first: 2, after: $after) { edges { node { threadId } } pageInfo { hasNextPage endCursor } }
         }`,
        { after },
      );
      seen.push(...data.notifications.edges.map((edge: any) => edge.node.threadId));
      more = data.notifications.pageInfo.hasNextPage;
      after = data.notifications.pageInfo.endCursor;
    }
    expect(seen).toEqual(threads);
    const other = await app.as(guide).run('{ threads(first: 1) { pageInfo { endCursor } } }');
    expect(
      await app
        .as(guide)
        .refusal('query ($after: String) { notifications(after: $after) { nodes { id } } }', {
          after: other.threads.pageInfo.endCursor,
        }),
    ).toBe('BAD_USER_INPUT');
    expect(await app.as('platform', PLATFORM).refusal('{ notifications { nodes { id } } }')).toBe(
      'FORBIDDEN',
    );
  });
});

describe('markNotificationsRead', () => {
  it('marks all, or those that are named, and only the viewer’s', async () => {
    const { tourist, guide, threadId } = await pair();
    const other = await openThread(app, { tourist, guide, trip: 'another' });
    await send(app.as(tourist), threadId);
    await send(app.as(tourist), other.id);
    const [newer, older] = await feedOf(guide);
    await expect(markNotificationsRead(tourist, [newer!.id])).rejects.toThrow('NOT_FOUND');
    await expect(markNotificationsRead(guide, [newer!.id, randomUUID()])).rejects.toThrow(
      'NOT_FOUND',
    );
    expect(await unreadOf(guide)).toBe(2);
    await markNotificationsRead(guide, []);
    expect(await unreadOf(guide)).toBe(2);
    expect(
      (await markNotificationsRead(guide, [older!.id])).markNotificationsRead.viewer
        .unreadNotificationCount,
    ).toBe(1);
    await markNotificationsRead(guide);
    expect(await feedOf(guide, '(unread: true)')).toEqual([]);
    // The messages are still unread, and the next one is told afresh.
    await send(app.as(tourist), threadId, 'next');
    expect(await feedOf(guide, '(unread: true)')).toMatchObject([
      { count: 1, message: { body: 'next' } },
    ]);
  });
});

describe('notificationAdded', () => {
  const cursorOf = async (person: string): Promise<string> =>
    (await app.as(person).run('{ viewer { cursor } }')).viewer.cursor;

  /** What somebody is told who was away, and the count beside it. */
  const syncOf = async (
    person: string,
    after: string,
  ): Promise<{ told: unknown[]; unread: number; cursor: string }> => {
    const { sync, viewer } = await app.as(person).run(
      `query ($after: String) {
         sync(after: $after) {
           cursor events { ... on NotificationAdded { notification { threadId count readAt } } }
         }
         viewer { unreadNotificationCount }
       }`,
      { after },
    );
    return {
      told: sync.events.flatMap(({ notification = [] }: any) => notification),
      unread: viewer.unreadNotificationCount,
      cursor: sync.cursor,
    };
  };

  it('tells live what is made and what counts up, and again from a cursor', async () => {
    const { tourist, guide, threadId } = await pair();
    const socket = await app.socket(guide);
    const after = await cursorOf(guide);
    const subscription = `subscription ($after: String) {
      notificationAdded(after: $after) { cursor notification { ${FIELDS} } }
    }`;
    const live = socket.start(subscription, { after });
    await send(app.as(tourist), threadId);
    const first = (await live.next()).notificationAdded;
    expect(first.notification).toMatchObject({ type: 'NEW_MESSAGE', threadId, count: 1 });
    await send(app.as(tourist), threadId);
    const second = (await live.next()).notificationAdded;
    expect(second.notification).toMatchObject({ id: first.notification.id, count: 2 });
    expect(await socket.start(subscription, { after }).take(2)).toMatchObject([
      { notificationAdded: { cursor: first.cursor, notification: { count: 2 } } },
      { notificationAdded: { cursor: second.cursor } },
    ]);
    const { sync } = await app.as(guide).run(
      `query ($after: String) {
         sync(after: $after) { events { ... on NotificationAdded { cursor notification { id } } } }
       }`,
      { after },
    );
    expect(sync.events.filter(({ cursor }: { cursor?: string }) => cursor)).toHaveLength(2);
  });

  it('comes with a sync, once, as it is by then: unread, read, or of nothing any more', async () => {
    const { tourist, guide, threadId } = await pair();
    const read = await openThread(app, { tourist, guide, trip: 'read' });
    const deleted = await openThread(app, { tourist, guide, trip: 'deleted' });
    const left = await openThread(app, { tourist, guide: `g-${randomUUID()}` });
    await addParticipant(app, left.id, guide);
    const after = await cursorOf(guide);
    await send(app.as(tourist), threadId);
    await send(app.as(tourist), read.id);
    const { id: messageId } = await send(app.as(tourist), deleted.id);
    await send(app.as(tourist), left.id);
    expect(await unreadOf(guide)).toBe(4);
    await markRead(app.as(guide), read.id);
    await deleteMessage(app.as(tourist), messageId);
    await removeParticipant(app, left.id, guide);
    await until(async () => (await unreadOf(guide)) === 1, 'the notifier has taken in all of it');
    const page = await syncOf(guide, after);
    expect(page.told).toEqual([
      { threadId, count: 1, readAt: null },
      { threadId: read.id, count: 1, readAt: expect.any(String) },
      { threadId: deleted.id, count: 0, readAt: expect.any(String) },
    ]);
    expect(page.unread).toBe(1);
    expect(await feedOf(guide)).toMatchObject([
      { threadId: read.id, count: 1 },
      { threadId, count: 1 },
    ]);
    expect((await syncOf(guide, page.cursor)).told).toEqual([]);
  });

  it('is left out of a sync where its thread is taken away while the answer is made', async () => {
    const { tourist, guide, threadId } = await pair();
    const other = await openThread(app, { tourist, guide: `g-${randomUUID()}` });
    await addParticipant(app, other.id, guide);
    const after = await cursorOf(guide);
    await send(app.as(tourist), threadId);
    await send(app.as(tourist), other.id);
    expect(await unreadOf(guide)).toBe(2);
    meanwhile(app.get(JournalRepository), 'readAfter', 'after', () =>
      removeParticipant(app, other.id, guide),
    );
    expect((await syncOf(guide, after)).told).toMatchObject([{ threadId }]);
  });

  it('comes without any hint, by the sweep of whichever node makes notifications', async () => {
    const serving = await startApp();
    const threadId = (await openThread(serving, { tourist: 'ann', guide: 'ben' })).id;
    const after: unknown = (await serving.as('ben').run('{ viewer { cursor } }')).viewer.cursor;
    await sendMany(serving.as('ann'), threadId, 3);
    const making = await startApp(
      { NOTIFIER: 'true', NOTIFIER_SWEEP_MS: '50' },
      { url: serving.databaseUrl },
    );
    const subscription = (await serving.socket('ben')).start(
      'subscription ($after: String) { notificationAdded(after: $after) { notification { count } } }',
      { after },
    );
    expect((await subscription.next()).notificationAdded.notification.count).toBe(3);
    await sendMany(serving.as('ann'), threadId, 2);
    await until(
      async () => (await subscription.next()).notificationAdded.notification.count === 5,
      'the later messages count, too',
    );
    await making.stop();
    await serving.stop();
  });
});
