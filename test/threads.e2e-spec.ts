import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { Database } from '../src/database/database.js';
import { ThreadsRepository } from '../src/threads/threads.repository.js';
import type { TestApp } from './support/app.js';
import { startApp, until } from './support/app.js';
import type { HttpClient } from './support/http-client.js';
import {
  ADMIN,
  addParticipant,
  markRead,
  openThread,
  PLATFORM,
  send,
  sendMany,
} from './support/seeds.js';
import type { Subscription } from './support/socket-client.js';

const OPEN = `mutation ($input: OpenThreadInput!) { openThread(input: $input) { created thread { id tripId status lastSequence
  unreadCount viewerCanSend participants { role user { id displayName } } } } }`;
const ADD = `mutation ($input: AddParticipantInput!) { addParticipant(input: $input) { thread { participants { role joinedSequence user { id } } } } }`;
const REMOVE = `mutation ($input: RemoveParticipantInput!) { removeParticipant(input: $input) { thread { participants { user { id } } } } }`;
const DELETE = `mutation ($input: DeleteThreadInput!) { deleteThread(input: $input) { deletedThreadId } }`;
const UPSERT = `mutation ($input: UpsertUsersInput!) { upsertUsers(input: $input) { users { id displayName avatarUrl } } }`;
const EVENTS = `subscription ($after: String) { inboxEvents(after: $after) {
  __typename unreadMessageCount unreadThreadCount
  ... on ThreadUpdated { thread { id participants { user { id displayName } } } }
  ... on ThreadRemoved { threadId }
  ... on MessageAdded { message { body } }
} }`;

let app: TestApp;
let ann: HttpClient;
let platform: HttpClient;
let threadId: string;

beforeAll(async () => {
  app = await startApp();
  [ann, platform] = [app.as('ann'), app.as('platform', PLATFORM)];
});
beforeEach(async () => {
  ({ id: threadId } = await openThread(app, { trip: randomUUID() }));
});
afterAll(() => app.stop());

const open = async (
  client: HttpClient,
  touristId: string,
  guideId: string,
  tripId?: string | null,
): Promise<any> => (await client.run(OPEN, { input: { touristId, guideId, tripId } })).openThread;
const audit = async (where: string, value: string): Promise<any[]> =>
  (
    await app
      .get(Database)
      .pool.query(
        `SELECT actor_id, action, user_id, details FROM audit_entries WHERE ${where} = $1 ORDER BY id`,
        [value],
      )
  ).rows;

/** All events of a person from now on; InboxReady has come already. */
async function watch(sub: string): Promise<Subscription> {
  const events = (await app.socket(sub)).start(EVENTS);
  expect((await events.next()).inboxEvents.__typename).toBe('InboxReady');
  return events;
}
const nextOf = async (events: Subscription): Promise<any> => (await events.next()).inboxEvents;

describe('a thread', () => {
  it('is one per tourist, guide and trip, and one without a trip', async () => {
    const trip = randomUUID();
    const first = await open(ann, 'ann', 'gus', trip);
    expect(first).toMatchObject({
      created: true,
      thread: {
        tripId: trip,
        status: 'ACTIVE',
        lastSequence: 0,
        unreadCount: 0,
        viewerCanSend: true,
      },
    });
    expect(first.thread.participants).toEqual([
      { role: 'TOURIST', user: { id: 'ann', displayName: null } },
      { role: 'GUIDE', user: { id: 'gus', displayName: null } },
    ]);
    for (const [tourist, guide, tripId] of [
      ['ann', 'gus', randomUUID()],
      ['ann', 'gus', null],
      ['gus', 'ann', trip],
      ['ann', 'gil', trip],
    ] as const) {
      const other = await open(platform, tourist, guide, tripId);
      expect(other.created).toBe(true);
      expect(other.thread.id).not.toBe(first.thread.id);
    }
    for (const client of [ann, app.as('gus'), platform]) {
      const again = await open(client, 'ann', 'gus', trip);
      expect([again.created, again.thread.id]).toEqual([false, first.thread.id]);
    }
    expect((await open(ann, 'ann', 'gus')).created).toBe(false);
  });

  it('is created once when all open it at once', async () => {
    for (const trip of [randomUUID(), null]) {
      const guide = randomUUID();
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, at) =>
          open(at % 2 === 0 ? ann : platform, 'ann', guide, trip),
        ),
      );
      expect(answers.filter(({ created }) => created)).toHaveLength(1);
      expect(new Set(answers.map(({ thread }) => thread.id)).size).toBe(1);
    }
  });

  it('that is deleted before whoever opens it has looked at it is opened anew', async () => {
    const trip = randomUUID();
    const { thread: known } = await open(ann, 'ann', 'ben', trip);
    const threads = app.get(ThreadsRepository);
    const { open: openInDatabase } = threads;
    threads.open = async (...key) => {
      threads.open = openInDatabase;
      const opened = await openInDatabase.apply(threads, key);
      await platform.run(DELETE, { input: { threadId: opened.threadId } });
      return opened;
    };
    const opened = await open(ann, 'ann', 'ben', trip);
    expect(opened).toMatchObject({ created: true, thread: { tripId: trip, lastSequence: 0 } });
    expect(opened.thread.id).not.toBe(known.id);
  });

  it('is opened by one of the two or by a service, between two people', async () => {
    expect(await app.as('eve').refusal(OPEN, { input: { touristId: 'ann', guideId: 'ben' } })).toBe(
      'FORBIDDEN',
    );
    expect(await ann.refusal(OPEN, { input: { touristId: 'ann', guideId: 'ann' } })).toBe(
      'BAD_USER_INPUT',
    );
    expect((await open(ann, 'ann', randomUUID())).created).toBe(true);
  });

  it('that a service opens is in the audit, and one that a person opens is not', async () => {
    const trip = randomUUID();
    const { thread } = await open(platform, 'ann', 'ben', trip);
    await open(platform, 'ann', 'ben', trip);
    expect(await audit('thread_id', thread.id)).toEqual([
      {
        actor_id: 'platform',
        action: 'thread.opened',
        user_id: null,
        details: { touristId: 'ann', guideId: 'ben', tripId: trip },
      },
    ]);
    expect(await audit('thread_id', (await open(ann, 'ann', randomUUID())).thread.id)).toEqual([]);
  });

  it('appears live to both', async () => {
    const events = [await watch('tia'), await watch('gus')];
    const { thread } = await open(platform, 'tia', 'gus', randomUUID());
    for (const each of events)
      expect(await nextOf(each)).toMatchObject({
        __typename: 'ThreadUpdated',
        thread: { id: thread.id },
      });
  });
});

describe('a companion', () => {
  it('joins, sees the history, and has only what comes next unread', async () => {
    await sendMany(ann, threadId, 3);
    const { addParticipant: added } = await platform.run(ADD, {
      input: { threadId, userId: 'cat', role: 'MEMBER' },
    });
    expect(added.thread.participants.at(-1)).toEqual({
      role: 'MEMBER',
      joinedSequence: 3,
      user: { id: 'cat' },
    });
    const cat = app.as('cat');
    const see = 'query ($id: ID!) { thread(id: $id) { unreadCount messages { nodes { body } } } }';
    expect((await cat.run(see, { id: threadId })).thread).toMatchObject({
      unreadCount: 0,
      messages: { nodes: [{}, {}, {}] },
    });
    await send(ann, threadId);
    expect((await cat.run(see, { id: threadId })).thread.unreadCount).toBe(1);
    await platform.run(ADD, { input: { threadId, userId: 'cat', role: 'SUPPORT' } });
    expect((await cat.run(see, { id: threadId })).thread.unreadCount).toBe(1);
    for (const role of ['TOURIST', 'GUIDE'])
      expect(await platform.refusal(ADD, { input: { threadId, userId: 'dan', role } })).toBe(
        'BAD_USER_INPUT',
      );
  });

  it('who is removed sees nothing any more, and takes the unread count along', async () => {
    await addParticipant(app, threadId, 'cleo');
    const events = await watch('cleo');
    await sendMany(ann, threadId, 2);
    expect((await events.take(2)).at(-1).inboxEvents).toMatchObject({
      unreadMessageCount: 2,
      unreadThreadCount: 1,
    });
    await platform.run(REMOVE, { input: { threadId, userId: 'cleo' } });
    await send(ann, threadId, 'behind her back');
    expect(await nextOf(events)).toEqual({
      __typename: 'ThreadRemoved',
      threadId,
      unreadMessageCount: 0,
      unreadThreadCount: 0,
    });
    const cleo = app.as('cleo');
    expect(
      await cleo.refusal('query ($id: ID!) { thread(id: $id) { id } }', { id: threadId }),
    ).toBe('NOT_FOUND');
    expect(await cleo.run('{ viewer { unreadMessageCount } threads { nodes { id } } }')).toEqual({
      viewer: { unreadMessageCount: 0 },
      threads: { nodes: [] },
    });
    // The next event of hers is of another thread: the message in between never came.
    const { id } = await openThread(app, { tourist: 'cleo', guide: 'ben', trip: randomUUID() });
    expect(await nextOf(events)).toMatchObject({ __typename: 'ThreadUpdated', thread: { id } });
  });

  it('goes and comes in the audit, and tourist and guide stay', async () => {
    await platform.run(ADD, { input: { threadId, userId: 'cat', role: 'SUPPORT' } });
    await app.as('root', ADMIN).run(REMOVE, { input: { threadId, userId: 'cat' } });
    await platform.run(REMOVE, { input: { threadId, userId: 'cat' } });
    expect((await audit('thread_id', threadId)).slice(1)).toEqual([
      {
        actor_id: 'platform',
        action: 'participant.added',
        user_id: 'cat',
        details: { role: 'SUPPORT' },
      },
      { actor_id: 'root', action: 'participant.removed', user_id: 'cat', details: {} },
    ]);
    for (const userId of ['ann', 'ben'])
      expect(await platform.refusal(REMOVE, { input: { threadId, userId } })).toBe(
        'BAD_USER_INPUT',
      );
  });
});

describe('a deleted thread', () => {
  it('is gone for everybody with its messages and unread counts, and its devices are told', async () => {
    const { id } = await openThread(app, { tourist: 'tam', guide: 'gun', trip: randomUUID() });
    const message = await send(app.as('tam'), id);
    const events = [await watch('tam'), await watch('gun')];
    const { deleteThread } = await platform.run(DELETE, { input: { threadId: id.toUpperCase() } });
    expect(deleteThread).toEqual({ deletedThreadId: id });
    for (const each of events)
      expect(await nextOf(each)).toEqual({
        __typename: 'ThreadRemoved',
        threadId: id,
        unreadMessageCount: 0,
        unreadThreadCount: 0,
      });
    for (const client of [app.as('tam'), platform]) {
      expect(await client.refusal('query ($id: ID!) { thread(id: $id) { id } }', { id })).toBe(
        'NOT_FOUND',
      );
      expect(
        await client.refusal('query ($id: ID!) { message(id: $id) { id } }', { id: message.id }),
      ).toBe('NOT_FOUND');
    }
    expect((await audit('thread_id', id)).at(-1)).toMatchObject({
      actor_id: 'platform',
      action: 'thread.deleted',
      details: { touristId: 'tam', guideId: 'gun', lastSequence: 1 },
    });
  });

  it('ends what is on its way into it', async () => {
    for (let round = 0; round < 8; round++) {
      const { id } = await openThread(app, { tourist: 'tam', guide: 'gun', trip: randomUUID() });
      const sends = Array.from({ length: 4 }, () =>
        app
          .as('tam')
          .send(
            'mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }',
            {
              input: { threadId: id, body: 'Hello', clientMessageId: randomUUID() },
            },
          ),
      );
      const [, ...answers] = await Promise.all([
        platform.run(DELETE, { input: { threadId: id } }),
        ...sends,
      ]);
      for (const { errors } of answers)
        expect(errors?.[0]?.extensions.code ?? 'NOT_FOUND').toBe('NOT_FOUND');
    }
  });
});

describe('a muted thread', () => {
  const MUTE =
    'mutation ($input: MuteThreadInput!) { muteThread(input: $input) { thread { viewerMutedUntil } } }';
  const mute = (until: string | null): Promise<any> =>
    ann.run(MUTE, { input: { threadId, until } });

  it.each([
    ['9999-12-31T22:59:59.999-01:00', '9999-12-31T23:59:59.999Z'],
    ['0001-01-01T01:00:00+01:00', '0001-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59-01:00', null],
    ['0001-01-01T00:00:00+01:00', null],
    ['0000-06-01T00:00:00Z', null],
  ])('until %s can be read again, or is refused', async (until, stored) => {
    if (stored === null)
      expect(await ann.refusal(MUTE, { input: { threadId, until } })).toBe('BAD_USER_INPUT');
    else expect((await mute(until)).muteThread.thread.viewerMutedUntil).toBe(stored);
    const { thread } = await ann.run(
      'query ($id: ID!) { thread(id: $id) { viewerMutedUntil viewerCanSend } }',
      { id: threadId },
    );
    expect(thread).toEqual({ viewerMutedUntil: stored, viewerCanSend: true });
    await mute(null);
  });

  it('is so for the viewer alone, on all their devices', async () => {
    const events = await watch('ann');
    const until = '2031-05-04T10:00:00.000Z';
    expect((await mute(until)).muteThread.thread.viewerMutedUntil).toBe(until);
    expect(await nextOf(events)).toMatchObject({
      __typename: 'ThreadUpdated',
      thread: { id: threadId },
    });
    const see = 'query ($id: ID!) { thread(id: $id) { viewerMutedUntil } }';
    expect((await app.as('ben').run(see, { id: threadId })).thread.viewerMutedUntil).toBeNull();
    await mute(null);
    expect((await ann.run(see, { id: threadId })).thread.viewerMutedUntil).toBeNull();
  });
});

describe('a name', () => {
  const upsert = async (...users: object[]): Promise<any[]> =>
    (await platform.run(UPSERT, { input: { users } })).upsertUsers.users;

  it('that changes is told to everybody who shares a thread, once per thread', async () => {
    const [first, second] = [
      await openThread(app, { tourist: 'nia', guide: 'gus', trip: randomUUID() }),
      await openThread(app, { tourist: 'nia', guide: 'noa', trip: randomUUID() }),
    ];
    const events = { nia: await watch('nia'), gus: await watch('gus'), noa: await watch('noa') };
    await upsert({ id: 'nia', displayName: 'Nia' }, { id: 'noa', displayName: 'Noa' });
    const names = { nia: 'Nia', gus: null, noa: 'Noa' };
    const seen = (event: any): any => [
      event.thread.id,
      event.thread.participants.map(
        ({ user }: any) => user.displayName === (names as any)[user.id],
      ),
    ];
    expect((await events.nia.take(2)).map(({ inboxEvents }) => seen(inboxEvents)).sort()).toEqual(
      [
        [first.id, [true, true]],
        [second.id, [true, true]],
      ].sort(),
    );
    expect(seen(await nextOf(events.gus))).toEqual([first.id, [true, true]]);
    expect(seen(await nextOf(events.noa))).toEqual([second.id, [true, true]]);

    // What nobody sees is told to nobody, and neither is what was so before.
    await upsert({ id: 'nia', displayName: 'Nia', email: 'nia@example.com', locale: 'es-ES' });
    await send(app.as('gus'), first.id);
    for (const each of [events.nia, events.gus])
      expect((await nextOf(each)).__typename).toBe('MessageAdded');
  });

  it('is the one that a message is sent under, whatever the token says', async () => {
    await upsert({
      id: 'ann',
      displayName: 'Ann of the marketplace',
      avatarUrl: 'https://example.com/ann.png',
    });
    const { sendMessage } = await ann.run(
      'mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { sender { displayName avatarUrl } } } }',
      { input: { threadId, body: 'Hello', clientMessageId: randomUUID() } },
    );
    expect(sendMessage.message.sender).toEqual({
      displayName: 'Ann of the marketplace',
      avatarUrl: 'https://example.com/ann.png',
    });
  });

  it('that a later token brings is told like any other', async () => {
    const { id } = await openThread(app, { tourist: 'tea', guide: 'gus', trip: randomUUID() });
    await app.as('tea', { name: 'Tea' }).run('{ viewer { cursor } }');
    const events = await watch('gus');
    await app.as('tea', { name: 'Thea' }).run('{ viewer { cursor } }');
    const { thread } = await nextOf(events);
    expect(thread.id).toBe(id);
    expect(thread.participants[0].user).toEqual({ id: 'tea', displayName: 'Thea' });
  });

  it('that cannot be stored is refused, and so is what comes with it', async () => {
    const id = randomUUID();
    for (const wrong of [
      { displayName: 'NUL \0' },
      { displayName: 'Half \ud800' },
      { email: 'half\ud800@example.com' },
      { email: 'nobody' },
      { avatarUrl: 'https://example.com/\ud800' },
      { timeZone: 'Half/\ud800' },
      { locale: '\ud800' },
    ])
      expect(await platform.refusal(UPSERT, { input: { users: [{ id, ...wrong }] } })).toBe(
        'BAD_USER_INPUT',
      );
    expect(await upsert({ id, email: 'somebody@example.com' })).toMatchObject([
      { displayName: null },
    ]);
  });

  it('is refreshed by a service alone, keeps what is not told, and is in the audit', async () => {
    const id = randomUUID();
    const [user] = await upsert(
      { id, displayName: 'One' },
      { id, displayName: 'Two', email: 'two@example.com' },
    );
    expect(user).toEqual({ id, displayName: 'Two', avatarUrl: null });
    await upsert({ id, avatarUrl: 'https://example.com/two.png' });
    expect(await upsert({ id })).toEqual([
      { id, displayName: 'Two', avatarUrl: 'https://example.com/two.png' },
    ]);
    expect(await ann.refusal(UPSERT, { input: { users: [{ id, displayName: 'Mine' }] } })).toBe(
      'FORBIDDEN',
    );
    expect(await audit('user_id', id)).toEqual([
      {
        actor_id: 'platform',
        action: 'user.created',
        user_id: id,
        details: { fields: ['displayName', 'email'] },
      },
      {
        actor_id: 'platform',
        action: 'user.changed',
        user_id: id,
        details: { fields: ['avatarUrl'] },
      },
    ]);
  });

  // Comes last, for it stops the server.
  it('changes while everybody writes, joins and leaves, and nobody waits for ever', async () => {
    const people = ['p1', 'p2', 'p3', 'p4'];
    const threads = await Promise.all(
      people.map((tourist) => openThread(app, { tourist, guide: 'gio', trip: randomUUID() })),
    );
    await Promise.all(
      Array.from({ length: 60 }, (_, at) => {
        const thread = threads[at % 4]!;
        const other = people[(at + 1 + (at % 3)) % 4]!;
        if (at % 5 === 0)
          return upsert(
            ...[...people, 'gio']
              .sort(() => (at % 2) - 0.5)
              .map((id) => ({ id, displayName: `${id} ${at}` })),
          );
        if (at % 5 === 1) return addParticipant(app, thread.id, other);
        if (at % 5 === 2 && other !== thread.touristId)
          return platform.run(REMOVE, { input: { threadId: thread.id, userId: other } });
        if (at % 5 === 3) return markRead(app.as('gio'), thread.id);
        return send(app.as(thread.touristId), thread.id);
      }),
    );
    // Whoever is caught in a deadlock tries again, so only PostgreSQL tells: what a connection has counted, when it has ended.
    await app.close();
    const database = new Client({ connectionString: app.databaseUrl });
    await database.connect();
    try {
      await until(async () => {
        const others =
          'SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()';
        return (await database.query(others)).rows.length === 0;
      }, 'every connection of the server has ended');
      const { rows } = await database.query(
        'SELECT deadlocks::integer FROM pg_stat_database WHERE datname = current_database()',
      );
      expect(rows).toEqual([{ deadlocks: 0 }]);
    } finally {
      await database.end();
    }
  });
});
