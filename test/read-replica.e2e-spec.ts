import path from 'node:path';
import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Replica } from '../src/database/replica.js';
import type { TestApp } from './support/app.js';
import { startApp, until } from './support/app.js';
import { createDatabase, scratchDirectory } from './support/database.js';
import type { HttpClient } from './support/http-client.js';
import { ReplicatedServer } from './support/replicated-server.js';
import {
  addParticipant,
  ADMIN,
  markRead,
  openThread,
  PLATFORM,
  send,
  setStatus,
} from './support/seeds.js';

/** Where an answer comes from; an empty one tells nothing. */
type Source = 'primary' | 'replica' | 'unknown';

/** Two people of their own, and what they have said: ben, ann, ben. */
interface Conversation {
  readonly threadId: string;
  readonly ann: HttpClient;
  readonly ben: HttpClient;
  readonly bensId: string;
  readonly annsMessageId: string;
}

/** Everything that may come from the replica. */
interface Sight {
  readonly threads: any[];
  readonly history: any[];
  readonly all: any[];
  readonly sources: { threads: Source; history: Source; all: Source };
}

const MESSAGES = '{ nodes { sequence body sender { displayName } location { label } } }';
const SIGHT = `query ($id: ID!) {
  threads(first: 100) { nodes { id tripId status unreadCount viewerMutedUntil lastSequence } }
  history: messages(filter: { threadId: $id }) ${MESSAGES}
  all: messages(filter: {}) ${MESSAGES}
}`;
const ALL_FROM = (source: Source): object => ({ threads: source, history: source, all: source });

const mutation = (name: string): string =>
  `mutation ($input: ${name[0]!.toUpperCase()}${name.slice(1)}Input!) { ${name}(input: $input) { __typename } }`;

let server: ReplicatedServer;
let app: TestApp;
let conversations = 0;
let colours = 0;

const colour = (): string => `colour ${colours}`;

async function converse(): Promise<Conversation> {
  const [tourist, guide] = [`ann${++conversations}`, `ben${conversations}`];
  const { id: threadId } = await openThread(app, { tourist, guide });
  const [ann, ben] = [app.as(tourist), app.as(guide)];
  await send(ben, threadId, 'one');
  const { id: annsMessageId } = await send(ann, threadId, 'two');
  await send(ben, threadId, 'three');
  return { threadId, ann, ben, bensId: guide, annsMessageId };
}

/**
 * Lets the replica catch up; from then on it lags. Every thread, and the first message of each, is given a colour that only the primary
 * shows and that no journal tells of: so an answer says by itself where it comes from.
 */
async function lag(): Promise<void> {
  await server.resume();
  await server.pause();
  colours++;
  await server.onPrimary('UPDATE threads SET trip_id = $1', [colour()]);
  await server.onPrimary(
    'UPDATE messages SET latitude = 0, longitude = 0, location_label = $1 WHERE sequence = 1',
    [colour()],
  );
}

async function see(client: HttpClient, threadId: string): Promise<Sight> {
  const { threads, history, all } = await client.run(SIGHT, { id: threadId });
  const from = <Node>([first]: readonly Node[], shownBy: (node: Node) => unknown): Source =>
    first === undefined ? 'unknown' : shownBy(first) === colour() ? 'primary' : 'replica';
  const label = ({ location }: any): unknown => location?.label;
  return {
    threads: threads.nodes,
    history: history.nodes,
    all: all.nodes,
    sources: {
      threads: from(threads.nodes, ({ tripId }: any) => tripId),
      history: from(history.nodes, label),
      all: from(all.nodes, label),
    },
  };
}

const inUse = (): Promise<void> =>
  until(() => app.get(Replica).isUsable, 'the replica is in use', 15_000);

beforeAll(async () => {
  server = await ReplicatedServer.start(path.join(scratchDirectory(), 'replicated'));
  app = await startApp({ DATABASE_REPLICA_URL: server.replicaUrl }, server);
  await inUse();
}, 60_000);
afterAll(async () => {
  await app.stop();
  await server.stop();
});

/** What is done while the replica lags, who is told of it in their journal, and how it shows. */
const CHANGES: [string, (talk: Conversation) => Promise<unknown>, ('ann' | 'ben')[], object][] = [
  [
    'a message',
    ({ ann, threadId }) => send(ann, threadId, 'four'),
    ['ann', 'ben'],
    { threads: [{ lastSequence: 4 }], history: [{}, {}, {}, { body: 'four' }] },
  ],
  [
    'an edit',
    ({ ann, annsMessageId }) =>
      ann.run(mutation('editMessage'), { input: { messageId: annsMessageId, body: 'two!' } }),
    ['ann', 'ben'],
    { history: [{}, { body: 'two!' }, {}], all: [{}, { body: 'two!' }, {}] },
  ],
  [
    'a deletion',
    ({ ann, annsMessageId }) =>
      ann.run(mutation('deleteMessage'), { input: { messageId: annsMessageId } }),
    ['ann', 'ben'],
    { history: [{}, { body: '' }, {}], all: [{}, { body: '' }, {}] },
  ],
  [
    'that a thread was read',
    ({ ann, threadId }) => markRead(ann, threadId),
    ['ann'],
    { threads: [{ unreadCount: 0 }] },
  ],
  [
    'a status',
    ({ ben, threadId }) => setStatus(ben, threadId, 'ARCHIVED'),
    ['ann', 'ben'],
    { threads: [{ status: 'ARCHIVED', lastSequence: 4 }] },
  ],
  [
    'a mute',
    ({ ann, threadId }) =>
      ann.run(mutation('muteThread'), { input: { threadId, until: '2100-01-01T00:00:00.000Z' } }),
    ['ann'],
    { threads: [{ viewerMutedUntil: '2100-01-01T00:00:00.000Z' }] },
  ],
  [
    'a new name',
    ({ bensId }) =>
      app
        .as('platform', PLATFORM)
        .run(mutation('upsertUsers'), { input: { users: [{ id: bensId, displayName: 'Benno' }] } }),
    ['ann', 'ben'],
    { history: [{ sender: { displayName: 'Benno' } }, {}, {}] },
  ],
];

describe('a replica that lags', () => {
  it('serves histories and lists to everybody whose journal it has all of', async () => {
    const { ann, ben, threadId } = await converse();
    await lag();
    for (const client of [ann, ben])
      expect((await see(client, threadId)).sources).toEqual(ALL_FROM('replica'));
  });

  it.each(CHANGES)(
    'hides %s from nobody who is told of it, and goes on serving the others',
    async (_, change, told, shown) => {
      const [talk, other] = [await converse(), await converse()];
      await lag();
      for (const name of told)
        expect((await see(talk[name], talk.threadId)).sources).toEqual(ALL_FROM('replica'));

      await change(talk);
      for (const name of told)
        expect(await see(talk[name], talk.threadId)).toMatchObject({
          ...shown,
          sources: ALL_FROM('primary'),
        });
      expect((await see(other.ann, other.threadId)).sources).toEqual(ALL_FROM('replica'));

      await lag();
      for (const name of told)
        expect(await see(talk[name], talk.threadId)).toMatchObject({
          ...shown,
          sources: ALL_FROM('replica'),
        });
    },
  );

  it('shows an empty list as what it is, and not as a row of nulls', async () => {
    const { ann, ben, threadId } = await converse();
    await markRead(ann, threadId);
    await lag();
    const unread = '{ threads(filter: { unread: true }) { nodes { id tripId } } }';
    expect(await ann.run(unread)).toEqual({ threads: { nodes: [] } });
    expect((await ben.run(unread)).threads.nodes).toMatchObject([{ id: threadId }]);
    expect((await ben.run(unread)).threads.nodes[0].tripId).not.toBe(colour());
  });

  it('pages through a history from the replica as from the primary', async () => {
    const { ann, threadId } = await converse();
    const page = `query ($id: ID!, $before: String) { messages(filter: { threadId: $id }, last: 2, before: $before) {
      nodes { sequence } pageInfo { hasPreviousPage startCursor } } }`;
    const pages = async (): Promise<unknown[]> => {
      const { messages: last } = await ann.run(page, { id: threadId });
      const before = last.pageInfo.startCursor;
      return [last, (await ann.run(page, { id: threadId, before })).messages];
    };
    await lag();
    const fromReplica = await pages();
    expect((await see(ann, threadId)).sources.history).toBe('replica');
    await ann.run(mutation('muteThread'), { input: { threadId, until: '2100-01-01T00:00:00Z' } });
    expect((await see(ann, threadId)).sources.history).toBe('primary');
    expect(await pages()).toEqual(fromReplica);
    expect(fromReplica).toMatchObject([
      { nodes: [{ sequence: 2 }, { sequence: 3 }], pageInfo: { hasPreviousPage: true } },
      { nodes: [{ sequence: 1 }], pageInfo: { hasPreviousPage: false } },
    ]);
  });

  it('lets a joiner in at once, and a removed participant no longer', async () => {
    const { threadId } = await converse();
    const mia = app.as(`mia${conversations}`);
    await mia.run('{ viewer { cursor } }');
    await lag();
    expect(await mia.refusal(SIGHT, { id: threadId })).toBe('NOT_FOUND');
    await addParticipant(app, threadId, `mia${conversations}`);
    expect(await see(mia, threadId)).toMatchObject({
      sources: ALL_FROM('primary'),
      threads: [{ id: threadId }],
    });

    await lag();
    expect(await see(mia, threadId)).toMatchObject({
      sources: ALL_FROM('replica'),
      threads: [{ id: threadId }],
    });
    await app.as('platform', PLATFORM).run(mutation('removeParticipant'), {
      input: { threadId, userId: `mia${conversations}` },
    });
    expect(await mia.refusal(SIGHT, { id: threadId })).toBe('NOT_FOUND');
    expect(
      await mia.run('{ threads { nodes { id } } messages(filter: {}) { nodes { id } } }'),
    ).toEqual({ threads: { nodes: [] }, messages: { nodes: [] } });
  });

  it('is not believed where its journal holds another entry at the same position', async () => {
    const { ann, bensId, threadId } = await converse();
    await lag();
    // As after a restore, with a replica that still follows the life before it.
    await server.onPrimary(
      `UPDATE inbox_entries e SET message_id = gen_random_uuid() FROM inboxes i
       WHERE i.user_id = $1 AND e.user_id = i.user_id AND e.position = i.position`,
      [bensId],
    );
    expect((await see(app.as(bensId), threadId)).sources).toEqual(ALL_FROM('primary'));
    expect((await see(ann, threadId)).sources).toEqual(ALL_FROM('replica'));
  });

  it('never serves a service or an admin, of whose sight no journal tells', async () => {
    const { bensId, threadId } = await converse();
    await lag();
    for (const client of [app.as('platform', PLATFORM), app.as(bensId, ADMIN)])
      expect((await see(client, threadId)).sources).toEqual(ALL_FROM('primary'));
    expect((await see(app.as(bensId), threadId)).sources).toEqual(ALL_FROM('replica'));
  });
});

describe('a replica that is ahead', () => {
  it('shows nothing that the primary has not acknowledged', async () => {
    const { ann, ben, threadId } = await converse();
    await server.resume();
    await server.configurePrimary('synchronous_standby_names', 'nobody');
    // The checkpointer is who makes commits wait, and it looks at its settings first.
    await server.onPrimary('CHECKPOINT');
    const sending = send(ann, threadId, 'on its way');
    await until(async () => {
      const rows = await server.onReplica("SELECT FROM messages WHERE body = 'on its way'");
      return rows.length === 1;
    }, 'the replica has the message');
    const before = await see(ben, threadId);
    await server.configurePrimary('synchronous_standby_names', '');
    await sending;
    expect(before.history.map(({ body }) => body)).toEqual(['one', 'two', 'three']);
    expect((await see(ben, threadId)).history.at(-1).body).toBe('on its way');
  });
});

describe('a replica that fails', () => {
  it('stays in use where only the replay has cancelled a read', async () => {
    await server.resume();
    await server.configureReplica('max_standby_streaming_delay', '0');
    const answer = app
      .get(Replica)
      .rows('slow', 'SELECT count(*) FROM users CROSS JOIN pg_sleep(0.9)', []);
    await until(async () => {
      const sleeping = "SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
      return (await server.onReplica(sleeping)).length === 1;
    }, 'the read has begun');
    // The replay waits for no reader, and clears away what the reader may still want to see.
    await server.onPrimary('UPDATE users SET updated_at = updated_at');
    await server.onPrimary('VACUUM users');
    expect(await answer).toBeNull();
    expect(app.get(Replica).isUsable).toBe(true);
    await server.configureReplica('max_standby_streaming_delay', '30s');
  });

  it('costs those who are asking a bounded wait when it hangs, and those who come later none', async () => {
    const { ann, threadId } = await converse();
    await lag();
    expect((await see(ann, threadId)).sources).toEqual(ALL_FROM('replica'));
    await server.freezeReplica();
    try {
      const hungAt = performance.now();
      for (const { sources } of await Promise.all(
        Array.from({ length: 5 }, () => see(ann, threadId)),
      ))
        expect(sources).toEqual(ALL_FROM('primary'));
      expect(performance.now() - hungAt).toBeLessThan(3_000);
      const laterAt = performance.now();
      for (let read = 0; read < 5; read++)
        expect((await see(ann, threadId)).sources).toEqual(ALL_FROM('primary'));
      // A time-out each would make five seconds.
      expect(performance.now() - laterAt).toBeLessThan(2_500);
      expect((await fetch(`${app.url}/health/ready`)).status).toBe(200);
      expect(await (await fetch(`${app.url}/metrics`)).text()).toContain(
        'parley_replica_in_use 0\n',
      );
    } finally {
      server.thawReplica();
    }
    await inUse();
    expect(await (await fetch(`${app.url}/metrics`)).text()).toContain('parley_replica_in_use 1\n');
    expect((await see(ann, threadId)).sources).toEqual(ALL_FROM('replica'));
  });

  it('is an error for nobody when it stops, is left with one warning, and comes back with one line', async () => {
    const lines: string[] = [];
    const keep =
      (level: string) =>
      (message: unknown): unknown =>
        lines.push(`${level}: ${String(message)}`);
    Logger.overrideLogger({ log: keep('log'), warn: keep('warn'), error: keep('error') });
    const { ann, threadId } = await converse();
    const reading = async (): Promise<void> => {
      for (let read = 0; read < 40; read++)
        expect((await see(ann, threadId)).history).toHaveLength(3);
    };
    await Promise.all([reading(), reading(), server.stopReplica()]);
    await until(() => !app.get(Replica).isUsable, 'the replica is left alone', 15_000);
    await reading();
    expect((await fetch(`${app.url}/health/ready`)).status).toBe(200);
    await server.startReplica();
    await inUse();
    await lag();
    expect((await see(ann, threadId)).sources).toEqual(ALL_FROM('replica'));
    expect(lines).toEqual([
      expect.stringMatching(/^warn: The read replica does not answer/),
      'log: The read replica is in use.',
    ]);
    expect(lines.join()).not.toContain(new URL(server.url).password);
  }, 60_000);

  it.each<[string, () => Promise<{ url: string; drop?: () => Promise<void> }>, RegExp]>([
    ['another cluster', () => createDatabase(), /another database/],
    [
      'another database of the replica',
      () => Promise.resolve({ url: server.replicaUrl.replace(/parley$/, 'postgres') }),
      /another database/,
    ],
    ['the primary itself', () => Promise.resolve({ url: server.url }), /not a standby/],
  ])('is not used where the address leads to %s', async (_, lead, reason) => {
    const { threadId, bensId } = await converse();
    const { url, drop } = await lead();
    const misled = await startApp({ DATABASE_REPLICA_URL: url }, server);
    try {
      await until(() => misled.get(Replica).trouble !== undefined, 'the address was tried');
      expect(misled.get(Replica).trouble).toMatch(reason);
      expect(misled.get(Replica).isUsable).toBe(false);
      expect((await see(misled.as(bensId), threadId)).history).toHaveLength(3);
    } finally {
      await misled.stop();
      await drop?.();
    }
  });
});

// Comes last, for there is no way back from it.
describe('a replica that was promoted', () => {
  it('is not asked any more, though its journals still look the same', async () => {
    const { ann, threadId } = await converse();
    await lag();
    expect((await see(ann, threadId)).sources).toEqual(ALL_FROM('replica'));
    await server.promoteReplica();
    await server.onReplica("UPDATE threads SET trip_id = 'promoted'");
    await server.onReplica("UPDATE messages SET location_label = 'promoted' WHERE sequence = 1");
    expect((await see(ann, threadId)).sources).toEqual(ALL_FROM('primary'));
    await until(() => !app.get(Replica).isUsable, 'the promotion was noticed', 15_000);
    expect(app.get(Replica).trouble).toMatch(/not a standby/);
    expect((await see(ann, threadId)).sources).toEqual(ALL_FROM('primary'));
  });
});
