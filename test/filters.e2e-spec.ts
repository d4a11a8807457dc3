import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MessagesRepository } from '../src/messages/messages.repository.js';
import { ThreadsRepository } from '../src/threads/threads.repository.js';
import type { TestApp } from './support/app.js';
import { startApp } from './support/app.js';
import type { HttpClient } from './support/http-client.js';
import { meanwhile } from './support/meanwhile.js';
import {
  ADMIN,
  addParticipant,
  markRead,
  openThread,
  PLATFORM,
  removeParticipant,
  send,
  sendMany,
  setStatus,
} from './support/seeds.js';

let app: TestApp;
let clients: Record<'ann' | 'ben' | 'eve' | 'admin' | 'platform', HttpClient>;

beforeAll(async () => {
  app = await startApp();
  clients = {
    ann: app.as('ann'),
    ben: app.as('ben'),
    eve: app.as('eve'),
    admin: app.as('root', ADMIN),
    platform: app.as('platform', PLATFORM),
  };
});
afterAll(() => app.stop());

/** Every page of a list; the cursors are followed to the end. */
async function pages(
  client: HttpClient,
  operation: string,
  variables: Record<string, unknown>,
  backwards = false,
): Promise<any[][]> {
  const found = [];
  let cursor: string | null = null;
  for (;;) {
    const data: any = await client.run(operation, {
      ...variables,
      [backwards ? 'before' : 'after']: cursor,
    });
    const { nodes, pageInfo } = data.list ?? data.thread.list;
    found.push(nodes);
    if (!(backwards ? pageInfo.hasPreviousPage : pageInfo.hasNextPage)) return found;
    cursor = backwards ? pageInfo.startCursor : pageInfo.endCursor;
  }
}

const PAGE = 'pageInfo { hasNextPage hasPreviousPage startCursor endCursor }';
const THREADS = `query ($filter: ThreadFilter, $first: Int, $after: String) {
  list: threads(filter: $filter, first: $first, after: $after) { nodes { id tripId } ${PAGE} }
}`;
const MESSAGES = `query ($filter: MessageFilter!, $first: Int, $after: String, $last: Int, $before: String) {
  list: messages(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
    nodes { id body } ${PAGE}
  }
}`;

describe('a filter of threads', () => {
  beforeAll(async () => {
    const open = async (trip: string, tourist = 'ann', guide = 'ben'): Promise<string> =>
      (await openThread(app, { trip, tourist, guide })).id;
    await send(clients.ann, await open('madrid'));
    const rome = await open('rome');
    await send(clients.ben, rome);
    await setStatus(clients.ann, rome, 'ARCHIVED');
    await send(app.as('gil'), await open('madrid', 'ann', 'gil'));
    await setStatus(clients.ben, await open('oslo', 'ben', 'ann'), 'BLOCKED');
    await send(app.as('zoe'), await open('paris', 'zoe', 'yan'));
    await open('paris', 'zoe', 'ben');
  });

  const find = async (client: HttpClient, filter: object): Promise<string[]> =>
    (await client.run(THREADS, { filter })).list.nodes.map(({ tripId }: any) => tripId).sort();

  it.each<[string, object, string[]]>([
    ['nothing', {}, ['madrid', 'madrid', 'oslo', 'rome']],
    ['the tourist', { touristId: 'ann' }, ['madrid', 'madrid', 'rome']],
    ['the guide', { guideId: 'ben' }, ['madrid', 'rome']],
    ['the trip', { tripId: 'madrid' }, ['madrid', 'madrid']],
    ['the status', { status: 'ARCHIVED' }, ['rome']],
    ['what is unread', { unread: true }, ['madrid', 'oslo', 'rome']],
    ['what is read', { unread: false }, ['madrid']],
    ['trip and guide', { tripId: 'madrid', guideId: 'gil' }, ['madrid']],
    [
      'tourist, status and unread',
      { touristId: 'ann', status: 'ACTIVE', unread: true },
      ['madrid'],
    ],
    ['what does not exist', { tripId: 'atlantis' }, []],
    [
      'nulls, which are none',
      { tripId: null, status: null, unread: null },
      ['madrid', 'madrid', 'oslo', 'rome'],
    ],
  ])('by %s gives those threads of the viewer', async (_what, filter, trips) => {
    expect(await find(clients.ann, filter)).toEqual(trips);
  });

  it('never shows what is not the viewer’s, and shows an admin and a service all', async () => {
    for (const filter of [
      {},
      { touristId: 'ann' },
      { tripId: 'madrid' },
      { status: 'ACTIVE' },
      { unread: true },
      { unread: false },
    ]) {
      expect(await find(clients.eve, filter)).toEqual([]);
      expect(await find(clients.ben, { ...filter, guideId: 'yan' })).toEqual([]);
    }
    for (const client of [clients.admin, clients.platform]) {
      expect(await find(client, {})).toEqual([
        'madrid',
        'madrid',
        'oslo',
        'paris',
        'paris',
        'rome',
      ]);
      expect(await find(client, { guideId: 'yan' })).toEqual(['paris']);
      expect(await find(client, { unread: true })).toEqual([]);
      expect(await find(client, { unread: false, tripId: 'rome' })).toEqual(['rome']);
    }
  });

  it('is combined with all others, with paging and with every detail', async () => {
    const everything = `query ($filter: ThreadFilter, $after: String) {
      list: threads(filter: $filter, first: 1, after: $after) {
        nodes { tripId createdAt tourist { id } guide { id } lastMessage { body editedAt sender { id } } } ${PAGE}
      }
    }`;
    const filter = { touristId: 'ann', tripId: 'madrid', status: 'ACTIVE' };
    for (const client of [clients.ann, clients.admin]) {
      const all = await pages(client, everything, { filter });
      expect(
        all
          .flat()
          .map(({ guide }) => guide.id)
          .sort(),
      ).toEqual(['ben', 'gil']);
      const both = { ...filter, guideId: 'ben', unread: false };
      const [ofAll] = await pages(client, everything, { filter: both });
      expect(ofAll).toEqual(all.flat().filter(({ guide }) => guide.id === 'ben'));
      const { list } = await client.run(everything, { filter: both });
      const { endCursor } = list.pageInfo;
      const behind = await client.run(everything, { filter: both, after: endCursor });
      expect(behind.list.nodes).toEqual([]);
    }
  });

  it('is combined with paging', async () => {
    const found = await pages(clients.ann, THREADS, { filter: { touristId: 'ann' }, first: 1 });
    expect(found.map((nodes) => nodes.length)).toEqual([1, 1, 1]);
    expect(new Set(found.flat().map(({ id }) => id)).size).toBe(3);
  });
});

describe('a filter of messages', () => {
  let madrid: string;
  let rome: string;

  beforeAll(async () => {
    ({ id: madrid } = await openThread(app, { trip: randomUUID(), tourist: 'ann', guide: 'ben' }));
    ({ id: rome } = await openThread(app, { trip: randomUUID(), tourist: 'ann', guide: 'ben' }));
    const foreign = await openThread(app, { trip: randomUUID(), tourist: 'zoe', guide: 'ben' });
    await send(app.as('zoe'), foreign.id, 'foreign');
    await send(clients.ann, madrid, 'm1 ann');
    await send(clients.ben, madrid, 'm2 ben');
    await clients.ben.run(
      'mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }',
      {
        input: {
          threadId: madrid,
          messageType: 'IMAGE',
          body: 'https://example.com/m3.png',
          clientMessageId: randomUUID(),
        },
      },
    );
    await clients.platform.run(
      'mutation ($input: SendSystemMessageInput!) { sendSystemMessage(input: $input) { message { id } } }',
      {
        input: { threadId: madrid, body: 'm4 system', clientMessageId: randomUUID() },
      },
    );
    await send(clients.ben, rome, 'r1 ben');
    await markRead(clients.ann, madrid, 2);
  });

  const find = async (client: HttpClient, filter: object): Promise<string[]> =>
    (await client.run(MESSAGES, { filter, last: 20 })).list.nodes
      .map(({ body }: any) => body)
      .filter((body: string) => /m\d|r\d|foreign/.test(body));

  it('shows threads with their last messages, also where one is taken away once the list is read', async () => {
    const { id } = await openThread(app, { tourist: 'zoe', guide: 'yan', trip: randomUUID() });
    const { id: kept } = await openThread(app, { tourist: 'kim', guide: 'yan' });
    await send(app.as('kim'), kept, 'kept');
    await addParticipant(app, id, 'kim');
    await send(app.as('zoe'), id, 'gone');
    meanwhile(app.get(ThreadsRepository), 'findPage', 'after', () =>
      removeParticipant(app, id, 'kim'),
    );
    const { threads } = await app
      .as('kim')
      .run('{ threads { nodes { lastMessage { body thread { id } } } } }');
    expect(threads.nodes).toEqual([
      { lastMessage: { body: 'gone', thread: { id } } },
      { lastMessage: { body: 'kept', thread: { id: kept } } },
    ]);
  });

  it('shows threads with the messages, also where one is taken away while the page is read', async () => {
    const { id } = await openThread(app, { tourist: 'zoe', guide: 'yan', trip: randomUUID() });
    const { id: kept } = await openThread(app, { tourist: 'max', guide: 'yan' });
    await send(app.as('max'), kept, 'kept');
    await send(app.as('zoe'), id, 'gone');
    await addParticipant(app, id, 'max');
    meanwhile(app.get(MessagesRepository), 'findPageOfViewer', 'after', () =>
      removeParticipant(app, id, 'max'),
    );
    const { list } = await app
      .as('max')
      .run('{ list: messages(filter: {}, last: 1) { nodes { body thread { id } } } }');
    expect(list.nodes).toEqual([{ body: 'kept', thread: { id: kept } }]);
  });

  it.each<[string, () => object, string[]]>([
    [
      'nothing',
      () => ({}),
      ['m1 ann', 'm2 ben', 'https://example.com/m3.png', 'm4 system', 'r1 ben'],
    ],
    ['the thread', () => ({ threadId: rome }), ['r1 ben']],
    [
      'the sender',
      () => ({ senderUserId: 'ben' }),
      ['m2 ben', 'https://example.com/m3.png', 'r1 ben'],
    ],
    ['the type', () => ({ messageType: 'IMAGE' }), ['https://example.com/m3.png']],
    [
      'the type of what services say',
      () => ({ threadId: madrid, messageType: 'SYSTEM' }),
      ['m4 system'],
    ],
    [
      'what is unread',
      () => ({ unread: true }),
      ['https://example.com/m3.png', 'm4 system', 'r1 ben'],
    ],
    ['what is read', () => ({ unread: false }), ['m1 ann', 'm2 ben']],
    [
      'thread and unread',
      () => ({ threadId: madrid, unread: true }),
      ['https://example.com/m3.png', 'm4 system'],
    ],
    ['thread and read', () => ({ threadId: madrid, unread: false }), ['m1 ann', 'm2 ben']],
    [
      'thread, sender, type and unread',
      () => ({ threadId: madrid, senderUserId: 'ben', messageType: 'TEXT', unread: false }),
      ['m2 ben'],
    ],
    ['a service as the sender, which is none', () => ({ senderUserId: 'platform' }), []],
  ])('by %s gives those messages of the viewer', async (_what, filter, bodies) => {
    expect(await find(clients.ann, filter())).toEqual(bodies);
  });

  it('never shows what is not the viewer’s', async () => {
    for (const filter of [
      {},
      { senderUserId: 'ben' },
      { messageType: 'TEXT' },
      { unread: true },
      { unread: false },
    ])
      expect(await find(clients.eve, filter)).toEqual([]);
    expect(await clients.eve.refusal(MESSAGES, { filter: { threadId: madrid } })).toBe('NOT_FOUND');
    expect(await find(clients.ann, { senderUserId: 'zoe' })).toEqual([]);
  });

  it('shows an admin all, of which nothing is unread but where they are in the thread', async () => {
    expect(await find(clients.admin, { senderUserId: 'zoe' })).toEqual(['foreign']);
    expect(await find(clients.admin, { unread: true })).toEqual([]);
    expect(await find(clients.admin, { unread: false, messageType: 'IMAGE' })).toEqual([
      'https://example.com/m3.png',
    ]);
    expect(await find(clients.admin, { threadId: rome, unread: false })).toEqual(['r1 ben']);
    expect(await find(clients.admin, { threadId: rome, unread: true })).toEqual([]);
    await addParticipant(app, rome, 'root', 'SUPPORT');
    await send(clients.ben, rome, 'r2 ben');
    expect(await find(clients.admin, { unread: true })).toEqual(['r2 ben']);
    expect(await find(clients.admin, { threadId: rome, unread: true })).toEqual(['r2 ben']);
    expect(
      await find(clients.admin, { senderUserId: 'ben', unread: false, messageType: 'TEXT' }),
    ).toEqual(['m2 ben', 'r1 ben']);
  });

  describe('a cursor', () => {
    const startOf = async (client: HttpClient, list: string, filter?: object): Promise<string> =>
      (await client.run(list, { filter })).list.pageInfo.startCursor;

    it('goes on in the list that it is of, whichever way that is asked for', async () => {
      const after = await startOf(clients.ann, MESSAGES, { threadId: madrid });
      const { list } = await clients.ann.run(MESSAGES, {
        filter: { threadId: madrid.toUpperCase(), unread: null },
        after,
      });
      const { thread } = await clients.ann.run(
        'query ($id: ID!, $after: String) { thread(id: $id) { messages(after: $after) { nodes { id body } } } }',
        { id: madrid, after },
      );
      expect(list.nodes.length).toBeGreaterThan(0);
      expect(thread.messages.nodes).toEqual(list.nodes);
    });

    const ofMadrid = (more: object = {}) => ({ threadId: madrid, ...more });

    it.each([
      { what: 'thread', of: MESSAGES, to: MESSAGES, other: () => ({ threadId: rome }) },
      { what: 'sort', of: MESSAGES, to: MESSAGES, other: () => ({}) },
      { what: 'kind', of: MESSAGES, to: THREADS, other: () => ({}) },
      {
        what: 'sender',
        of: MESSAGES,
        to: MESSAGES,
        other: () => ofMadrid({ senderUserId: 'ben' }),
      },
      {
        what: 'filter',
        of: THREADS,
        its: () => ({}),
        to: THREADS,
        other: () => ({ unread: true }),
      },
      { what: 'person', of: MESSAGES, its: () => ({}), by: 'ben', to: MESSAGES, other: () => ({}) },
    ] as const)(
      'of a list of another $what is BAD_USER_INPUT',
      async ({ of, to, other, ...more }) => {
        const client = clients['by' in more ? more.by : 'ann'];
        const after = await startOf(clients.ann, of, 'its' in more ? more.its() : ofMadrid());
        expect(await client.refusal(to, { filter: other(), after })).toBe('BAD_USER_INPUT');
        const own = await startOf(client, to, other());
        expect((await client.send(to, { filter: other(), after: own })).errors).toBeUndefined();
      },
    );

    it.each<[string, () => object, RegExp, string[]]>([
      [MESSAGES, () => ({ threadId: madrid }), /\d+$/, ['2147483648', '9999999999', '-1', '']],
      [MESSAGES, () => ({}), /[^:]+$/, ['-'.repeat(36), 'g'.repeat(36)]],
      [THREADS, () => ({}), /\d+(?=:[^:]+$)/, ['253402300800000', '999999999999999']],
      [THREADS, () => ({}), /[^:]+$/, ['-'.repeat(36), 'a'.repeat(36)]],
    ])('of a place where nothing can be is BAD_USER_INPUT', async (list, filter, part, others) => {
      const text = Buffer.from(await startOf(clients.ann, list, filter()), 'base64url').toString();
      const refusals = others.map((other) => {
        const after = Buffer.from(text.replace(part, other)).toString('base64url');
        return clients.ann.refusal(list, { filter: filter(), after });
      });
      expect(await Promise.all(refusals)).toEqual(others.map(() => 'BAD_USER_INPUT'));
    });

    it('does not go with both first and last', async () => {
      expect(
        await clients.ann.refusal(MESSAGES, { filter: { threadId: madrid }, first: 1, last: 1 }),
      ).toBe('BAD_USER_INPUT');
    });
  });
});

describe('paging', () => {
  const HISTORY = `query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
    thread(id: $id) { list: messages(first: $first, after: $after, last: $last, before: $before) { nodes { sequence } ${PAGE} } }
  }`;
  const upTo = (last: number): number[] => Array.from({ length: last }, (_, at) => at + 1);

  it('gives every message of a thread once, both ways, while others send', async () => {
    const { id } = await openThread(app, { trip: randomUUID() });
    await sendMany(clients.ann, id, 30);
    const traffic = sendMany(clients.ben, id, 30);
    const back = await pages(clients.ann, HISTORY, { id, last: 4 }, true);
    const forth = await pages(clients.ann, HISTORY, { id, first: 4 });
    await traffic;
    const sequences = (found: any[][]): number[] => found.flat().map(({ sequence }) => sequence);
    const backwards = [...back].reverse();
    expect(sequences(backwards)).toEqual(upTo(sequences(backwards).length));
    expect(sequences(forth)).toEqual(upTo(sequences(forth).length));
    expect(sequences(backwards).length).toBeGreaterThanOrEqual(30);
    expect(sequences(forth).length).toBeGreaterThanOrEqual(30);
  });

  it('gives every message of all threads once, both ways, while others send', async () => {
    const threads = await Promise.all(
      upTo(7).map(() => openThread(app, { trip: randomUUID(), tourist: 'tim', guide: 'ben' })),
    );
    const sent = new Set<string>();
    await Promise.all(
      threads.map(async ({ id }, at) => {
        for (const message of await sendMany(app.as('tim'), id, 3 + at)) sent.add(message.id);
      }),
    );
    const tim = app.as('tim');
    const whole = (await tim.run(MESSAGES, { filter: {}, last: 100 })).list.nodes.map(
      ({ id }: any) => id,
    );
    expect(new Set(whole)).toEqual(sent);
    expect(whole).toEqual([...whole].sort());

    const traffic = Promise.all(threads.map(({ id }) => sendMany(clients.ben, id, 5)));
    const ids = async (variables: object, backwards: boolean): Promise<string[]> => {
      const found = await pages(tim, MESSAGES, { filter: {}, ...variables }, backwards);
      return (backwards ? [...found].reverse() : found).flat().map(({ id }) => id);
    };
    for (const found of [await ids({ last: 4 }, true), await ids({ first: 4 }, false)]) {
      expect(found).toEqual([...new Set(found)].sort());
      expect(found.filter((id) => sent.has(id))).toEqual(whole);
    }
    await traffic;
  });

  it('of all threads begins at any message, whether threads end before it, begin after it or go on', async () => {
    const uma = app.as('uma');
    const open = async (): Promise<string> =>
      (await openThread(app, { trip: randomUUID(), tourist: 'uma', guide: 'ben' })).id;
    const [over, across, fresh] = [await open(), await open(), await open(), await open()];
    for (const id of [across, over, over, across, across, over, across, fresh, across, fresh])
      await send(uma, id);
    const WINDOW = `query ($first: Int, $after: String, $last: Int, $before: String) {
      messages(filter: {}, first: $first, after: $after, last: $last, before: $before) { edges { cursor node { id } } }
    }`;
    const window = async (variables: object): Promise<any[]> =>
      (await uma.run(WINDOW, variables)).messages.edges;
    const all = await window({ first: 100 });
    expect(all).toHaveLength(10);
    for (const [at, { cursor }] of all.entries()) {
      expect(await window({ first: 3, after: cursor })).toEqual(all.slice(at + 1, at + 4));
      expect(await window({ last: 3, before: cursor })).toEqual(all.slice(Math.max(0, at - 3), at));
      expect(await window({ first: 9, after: all[0].cursor, before: cursor })).toEqual(
        all.slice(1, Math.max(1, at)),
      );
    }
  });

  it('gives every thread once, while new ones come and old ones stay', async () => {
    const opened: string[] = [];
    for (const place of upTo(9))
      opened.push((await openThread(app, { tourist: 'ted', guide: `g${place}` })).id);
    const traffic = (async () => {
      for (const place of upTo(9)) await openThread(app, { tourist: 'ted', guide: `h${place}` });
    })();
    const found = (await pages(app.as('ted'), THREADS, { first: 2 })).flat().map(({ id }) => id);
    await traffic;
    expect(found).toEqual([...new Set(found)]);
    expect(found.filter((id) => opened.includes(id))).toEqual([...opened].reverse());
  });

  it('never gives a thread twice that came to the front meanwhile', async () => {
    for (const place of upTo(5)) await openThread(app, { tourist: 'tod', guide: `g${place}` });
    const tod = app.as('tod');
    const first = (await tod.run(THREADS, { first: 2 })).list;
    const last = (await tod.run(THREADS, {})).list.nodes.at(-1);
    await send(tod, last.id);
    const rest = (await tod.run(THREADS, { after: first.pageInfo.endCursor })).list.nodes;
    expect(rest.map(({ id }: any) => id)).not.toContain(last.id);
    expect(rest).toHaveLength(2);
    expect((await tod.run(THREADS, {})).list.nodes[0].id).toBe(last.id);
  });
});
