import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { JournalRepository } from '../src/inbox/journal.repository.js';
import { Trimmer } from '../src/inbox/trimmer.js';
import { MessagesRepository } from '../src/messages/messages.repository.js';
import { ThreadsRepository } from '../src/threads/threads.repository.js';
import type { TestApp } from './support/app.js';
import { startApp, until } from './support/app.js';
import { meanwhile } from './support/meanwhile.js';
import {
  addParticipant,
  deleteThread,
  markRead,
  openThread,
  PLATFORM,
  removeParticipant,
  send,
  sendMany,
} from './support/seeds.js';

const INBOX = `subscription ($after: String) {
  inboxEvents(after: $after) {
    __typename cursor at unreadMessageCount unreadThreadCount
    ... on MessageAdded { message { id body sequence thread { id } } thread { id unreadCount } }
    ... on MessageUpdated { message { id body deletedAt } }
    ... on MessageRead { reader { id } upToSequence upToMessage { sequence } readAt receipt thread { id unreadCount } }
    ... on ThreadUpdated { thread { id status } }
    ... on ThreadRemoved { threadId }
  }
}`;
const SYNC = `query ($after: String, $first: Int) {
  sync(after: $after, first: $first) {
    cursor hasMore events { __typename cursor ... on MessageAdded { message { body } } }
  }
}`;
const CURSOR = '{ viewer { cursor } }';

const bodies = (events: any[]): string[] =>
  events.map(({ inboxEvents }) => inboxEvents.message.body);

describe('a live stream', () => {
  let app: TestApp;
  let threadId: string;
  let database: Client;
  let names = 0;
  // People of their own for each test: a journal holds everything that ever happened to its person.
  let ann: string;
  let ben: string;
  const fresh = async (): Promise<void> => {
    names += 1;
    [ann, ben] = [`ann-${names}`, `ben-${names}`];
    ({ id: threadId } = await openThread(app, { tourist: ann, guide: ben }));
  };

  beforeAll(async () => {
    app = await startApp();
    database = new Client({ connectionString: app.databaseUrl });
    await database.connect();
  });
  afterAll(async () => {
    await database.end();
    await app.stop();
  });

  const cursorOf = async (userId: string): Promise<string> =>
    (await app.as(userId).run(CURSOR)).viewer.cursor;

  it('begins with InboxReady, and then has everything that happens', async () => {
    await fresh();
    const inbox = (await app.socket(ben)).start(INBOX);
    const { inboxEvents: ready } = await inbox.next();
    expect(ready).toMatchObject({ __typename: 'InboxReady', unreadMessageCount: 0 });
    await sendMany(app.as(ann), threadId, 3);
    const events = await inbox.take(3);
    expect(bodies(events)).toEqual(['1', '2', '3']);
    expect(events.map(({ inboxEvents }) => inboxEvents.unreadMessageCount)).toEqual([1, 2, 3]);
  });

  it('replays exactly what came after a cursor, and goes on live', async () => {
    await fresh();
    const after = await cursorOf(ben);
    await sendMany(app.as(ann), threadId, 5);
    const inbox = (await app.socket(ben)).start(INBOX, { after });
    expect((await inbox.next()).inboxEvents).toMatchObject({
      __typename: 'InboxReady',
      cursor: after,
    });
    await send(app.as(ann), threadId, 'live');
    expect(bodies(await inbox.take(6))).toEqual(['1', '2', '3', '4', '5', 'live']);
  });

  it('resumes right behind any event’s cursor, in any subscription and in sync', async () => {
    await fresh();
    const after = await cursorOf(ben);
    await sendMany(app.as(ann), threadId, 4);
    const socket = await app.socket(ben);
    const inbox = socket.start(INBOX, { after });
    await inbox.next();
    const [, second] = await inbox.take(4);
    const { cursor } = second.inboxEvents;
    const added = socket.start(
      'subscription ($after: String) { messageAdded(after: $after) { message { body } } }',
      { after: cursor },
    );
    expect((await added.take(2)).map(({ messageAdded }) => messageAdded.message.body)).toEqual([
      '3',
      '4',
    ]);
    const { sync } = await app.as(ben).run(SYNC, { after: cursor });
    expect(sync.events.map(({ message }: any) => message.body)).toEqual(['3', '4']);
    expect(sync.hasMore).toBe(false);
  });

  it('pages sync, and gives only the cursor of now without one', async () => {
    await fresh();
    const after = await cursorOf(ben);
    await sendMany(app.as(ann), threadId, 5);
    const client = app.as(ben);
    const got: string[] = [];
    let at = after;
    for (let more = true; more;) {
      const { sync } = await client.run(SYNC, { after: at, first: 2 });
      got.push(...sync.events.map(({ message }: any) => message.body));
      ({ cursor: at, hasMore: more } = sync);
    }
    expect(got).toEqual(['1', '2', '3', '4', '5']);
    expect((await client.run(SYNC)).sync).toEqual({ cursor: at, hasMore: false, events: [] });
  });

  it('filters the same journal by kind and by thread', async () => {
    await fresh();
    const { id: other } = await openThread(app, { tourist: ann, guide: ben, trip: 'other' });
    const socket = await app.socket(ben);
    const after = await cursorOf(ben);
    const operations = {
      added:
        'subscription ($t: ID, $after: String) { messageAdded(threadId: $t, after: $after) { message { body } } }',
      updated:
        'subscription ($t: ID, $after: String) { messageUpdated(threadId: $t, after: $after) { message { body } } }',
      read: 'subscription ($t: ID, $after: String) { messageRead(threadId: $t, after: $after) { upToSequence reader { id } } }',
      thread:
        'subscription ($t: ID, $after: String) { threadUpdated(threadId: $t, after: $after) { thread { status } } }',
    };
    const { id } = await send(app.as(ann), threadId, 'here');
    await send(app.as(ann), other, 'elsewhere');
    await app
      .as(ann)
      .run('mutation ($i: EditMessageInput!) { editMessage(input: $i) { message { id } } }', {
        i: { messageId: id, body: 'edited' },
      });
    await markRead(app.as(ben), threadId);
    await app
      .as(ann)
      .run(
        'mutation ($i: UpdateThreadStatusInput!) { updateThreadStatus(input: $i) { thread { id } } }',
        {
          i: { threadId, status: 'ARCHIVED' },
        },
      );
    const variables = { t: threadId, after };
    expect((await socket.start(operations.added, variables).next()).messageAdded.message.body).toBe(
      'edited',
    );
    expect(
      (await socket.start(operations.updated, variables).next()).messageUpdated.message.body,
    ).toBe('edited');
    expect((await socket.start(operations.read, variables).next()).messageRead).toEqual({
      upToSequence: 1,
      reader: { id: ben },
    });
    expect(
      (await socket.start(operations.thread, variables).next()).threadUpdated.thread.status,
    ).toBe('ARCHIVED');
    const all = socket.start(operations.added, { after });
    expect((await all.take(3)).map(({ messageAdded }) => messageAdded.message.body)).toEqual([
      'edited',
      'elsewhere',
      'The conversation was archived.',
    ]);
  });

  it('tells a reader’s own devices, and carries the exact totals', async () => {
    await fresh();
    await sendMany(app.as(ann), threadId, 3);
    const inbox = (await app.socket(ben)).start(INBOX);
    expect((await inbox.next()).inboxEvents).toMatchObject({
      unreadMessageCount: 3,
      unreadThreadCount: 1,
    });
    await markRead(app.as(ben), threadId, 2);
    expect((await inbox.next()).inboxEvents).toMatchObject({
      __typename: 'MessageRead',
      receipt: 'READ',
      reader: { id: ben },
      upToSequence: 2,
      upToMessage: { sequence: 2 },
      unreadMessageCount: 1,
      unreadThreadCount: 1,
      thread: { unreadCount: 1 },
    });
  });

  it('replays a message as it is now, not as it was', async () => {
    await fresh();
    const after = await cursorOf(ben);
    const { id } = await send(app.as(ann), threadId, 'a secret');
    await app
      .as(ann)
      .run('mutation ($i: DeleteMessageInput!) { deleteMessage(input: $i) { message { id } } }', {
        i: { messageId: id },
      });
    const inbox = (await app.socket(ben)).start(INBOX, { after });
    await inbox.next();
    expect((await inbox.next()).inboxEvents.message.body).toBe('');
  });

  it('never goes stale: a name that changes is new in the next event', async () => {
    await fresh();
    // From a cursor on, so that it makes no difference when it begins to run.
    const inbox = (await app.socket(ben)).start(
      'subscription ($after: String) { messageAdded(after: $after) { message { sender { displayName } } } }',
      { after: await cursorOf(ben) },
    );
    const sendAs = (name: string): Promise<unknown> =>
      app
        .as(ann, { name })
        .run('mutation ($i: SendMessageInput!) { sendMessage(input: $i) { deduplicated } }', {
          i: { threadId, body: 'x', clientMessageId: name },
        });
    const names = [];
    for (const name of ['Ann v1', 'Ann v2']) {
      await sendAs(name);
      names.push((await inbox.next()).messageAdded.message.sender.displayName);
    }
    expect(names).toEqual(['Ann v1', 'Ann v2']);
  });

  describe('for somebody who is removed', () => {
    it('ends with ThreadRemoved: nothing committed later arrives, live, by replay or by sync', async () => {
      await fresh();
      const max = `max-${names}`;
      await addParticipant(app, threadId, max);
      const after = await cursorOf(max);
      const live = (await app.socket(max)).start(INBOX);
      await live.next();
      await send(app.as(ann), threadId, 'while max is there');
      await app
        .as('platform', PLATFORM)
        .run(
          'mutation ($i: RemoveParticipantInput!) { removeParticipant(input: $i) { thread { id } } }',
          { i: { threadId, userId: max } },
        );
      await send(app.as(ann), threadId, 'max must not see this');
      const { id: next } = await openThread(app, { tourist: max, guide: ben });
      await send(app.as(ben), next, 'for max');
      const seen: any[] = [];
      while (seen.at(-1)?.message?.body !== 'for max') seen.push((await live.next()).inboxEvents);
      expect(seen.map(({ __typename: type, message }) => message?.body ?? type)).toEqual([
        'while max is there',
        'ThreadRemoved',
        'ThreadUpdated',
        'for max',
      ]);
      const replay = (await app.socket(max)).start(INBOX, { after });
      await replay.next();
      const again = await replay.take(3);
      expect(
        again.map(({ inboxEvents: { __typename: type, message } }) => message?.body ?? type),
      ).toEqual(['ThreadRemoved', 'ThreadUpdated', 'for max']);
      const { sync } = await app.as(max).run(SYNC, { after });
      expect(JSON.stringify(sync)).not.toMatch(/must not see|while max/);
    });

    const onceRead = (max: string): void => {
      meanwhile(app.get(JournalRepository), 'readAfter', 'after', () =>
        removeParticipant(app, threadId, max),
      );
    };
    const beforeThreads = (max: string): void => {
      meanwhile(app.get(ThreadsRepository), 'findVisible', 'before', () =>
        removeParticipant(app, threadId, max),
      );
    };
    const erased = (): void => {
      meanwhile(app.get(MessagesRepository), 'findByPlaces', 'before', () =>
        deleteThread(app, threadId),
      );
    };

    it.each([
      ['a thread', 0, '... on ThreadUpdated { thread { id } }', onceRead],
      ['a message', 2, '... on MessageAdded { message { id } }', onceRead],
      ['the last message read', 2, '... on MessageRead { upToMessage { id } }', onceRead],
      [
        'the thread of a message',
        2,
        '... on MessageAdded { message { thread { id } } }',
        beforeThreads,
      ],
      ['a message that was read', 2, '... on MessageRead { upToMessage { id } }', erased],
    ])(
      'has a sync without what tells of %s, also where it is taken away while the answer is made',
      async (_what, left, selection, goes) => {
        await fresh();
        const max = `max-${names}`;
        const after = await cursorOf(max);
        const { id: kept } = await openThread(app, { tourist: max, guide: ben });
        await send(app.as(ben), kept);
        await addParticipant(app, threadId, max);
        await send(app.as(ann), threadId);
        await markRead(app.as(max), threadId);
        goes(max);
        const sync = `query ($after: String) {
          sync(after: $after) { hasMore cursor events { __typename cursor ${selection} } }
        }`;
        const first = (await app.as(max).run(sync, { after })).sync;
        expect(first.events.slice(0, 2)).toMatchObject([
          { __typename: 'ThreadUpdated' },
          { __typename: 'MessageAdded' },
        ]);
        expect(first.events).toHaveLength(2 + left);
        const second = (await app.as(max).run(sync, { after: first.cursor })).sync;
        expect(second.events).toMatchObject([{ __typename: 'ThreadRemoved' }]);
      },
    );
  });

  describe('a cursor', () => {
    it('of somebody else or of nonsense is BAD_USER_INPUT', async () => {
      await fresh();
      const socket = await app.socket(ben);
      for (const after of ['', 'nonsense', '%%%', await cursorOf(ann)]) {
        expect(await socket.start(INBOX, { after }).refusal()).toBe('BAD_USER_INPUT');
        expect(await app.as(ben).refusal(SYNC, { after })).toBe('BAD_USER_INPUT');
      }
    });

    it('of another epoch or from beyond the journal is RESYNC_REQUIRED', async () => {
      await fresh();
      const socket = await app.socket(ben);
      const [epoch = '', owner = '', position = ''] = Buffer.from(await cursorOf(ben), 'base64url')
        .toString()
        .split(':');
      const forge = (...parts: (string | number)[]): string =>
        Buffer.from(parts.join(':')).toString('base64url');
      for (const after of [
        forge('AAAAAAAA', owner, position),
        forge(epoch, owner, Number(position) + 1_000),
      ]) {
        expect(await socket.start(INBOX, { after }).refusal()).toBe('RESYNC_REQUIRED');
        expect(await app.as(ben).refusal(SYNC, { after })).toBe('RESYNC_REQUIRED');
      }
    });

    it('from before the kept journal is RESYNC_REQUIRED, never a partial replay', async () => {
      await fresh();
      const old = await cursorOf(ben);
      await sendMany(app.as(ann), threadId, 3);
      const kept = await cursorOf(ben);
      await send(app.as(ann), threadId, 'new');
      await database.query(
        `UPDATE inbox_entries SET at = now() - interval '31 days'
         WHERE user_id = $1 AND position < (SELECT position FROM inboxes WHERE user_id = $1)`,
        [ben],
      );
      await app.get(Trimmer).trim();
      const socket = await app.socket(ben);
      expect(await socket.start(INBOX, { after: old }).refusal()).toBe('RESYNC_REQUIRED');
      const inbox = socket.start(INBOX, { after: kept });
      await inbox.next();
      expect(bodies([await inbox.next()])).toEqual(['new']);
    });

    it('that the journal ceases to reach back to during a sync is RESYNC_REQUIRED as well', async () => {
      await fresh();
      const old = await cursorOf(ben);
      await sendMany(app.as(ann), threadId, 3);
      // Who reads entries waits for this, and who asks where the journal stands does not.
      await database.query('BEGIN');
      await database.query('LOCK TABLE inbox_entries IN ACCESS EXCLUSIVE MODE');
      const refusal = app.as(ben).refusal(SYNC, { after: old });
      await until(async () => {
        const { rows } = await database.query(
          `SELECT FROM pg_locks JOIN pg_database d ON d.oid = database
           WHERE datname = current_database() AND relation = 'inbox_entries'::regclass AND NOT granted`,
        );
        return rows.length > 0;
      }, 'the entries are being read');
      await database.query(
        `UPDATE inbox_entries SET at = now() - interval '31 days'
         WHERE user_id = $1 AND position < (SELECT position FROM inboxes WHERE user_id = $1)`,
        [ben],
      );
      await database.query(`SELECT inbox_trim('', 30, 10000)`);
      await database.query('COMMIT');
      expect(await refusal).toBe('RESYNC_REQUIRED');
    });
  });

  it('is refused to a service, and for a thread that is not the viewer’s', async () => {
    await fresh();
    const service = await app.socket('platform', PLATFORM);
    expect(await service.start(INBOX).refusal()).toBe('FORBIDDEN');
    const eve = await app.socket('eve');
    const one = 'subscription ($t: ID) { messageAdded(threadId: $t) { cursor } }';
    expect(await eve.start(one, { t: threadId }).refusal()).toBe('NOT_FOUND');
  });

  it('serves many sockets of one person with the same events, whatever they select', async () => {
    await fresh();
    const kinds = [
      [INBOX, (data: any) => data.inboxEvents.message.body],
      [INBOX, (data: any) => data.inboxEvents.message.body],
      [
        'subscription ($after: String) { messageAdded(after: $after) { message { body } } }',
        (data: any) => data.messageAdded.message.body,
      ],
      [
        'subscription ($after: String) { a: messageAdded(after: $after) { message { b: body } } }',
        (data: any) => data.a.message.b,
      ],
    ] as const;
    const after = await cursorOf(ben);
    const streams = await Promise.all(
      kinds.map(async ([text, bodyOf]) => {
        const stream = (await app.socket(ben)).start(text, { after });
        if (text === INBOX) await stream.next();
        return { stream, bodyOf };
      }),
    );
    const told = (count: number): Promise<string[][]> =>
      Promise.all(
        streams.map(async ({ stream, bodyOf }) => (await stream.take(count)).map(bodyOf)),
      );
    // Two of them say nothing at their start: with the first message all of them run, and have the others live.
    await send(app.as(ann), threadId, 'first');
    expect(await told(1)).toEqual(streams.map(() => ['first']));
    await sendMany(app.as(ann), threadId, 10);
    const expected = Array.from({ length: 10 }, (_, index) => String(index + 1));
    expect(await told(10)).toEqual(streams.map(() => expected));
  });
});
