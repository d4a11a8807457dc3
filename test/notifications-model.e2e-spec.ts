import { afterAll, beforeAll, expect, it } from '@jest/globals';
import pg from 'pg';
import type { Viewer } from '../src/auth/viewer.js';
import { MessagesService } from '../src/messages/messages.service.js';
import { ThreadsService } from '../src/threads/threads.service.js';
import type { TestApp } from './support/app.js';
import { startApp, until } from './support/app.js';
import type { TestDatabase } from './support/database.js';
import { createDatabase } from './support/database.js';
import { addParticipant, openThread } from './support/seeds.js';
import type { Expected } from './support/smtp-model.js';
import { ThreadModel } from './support/smtp-model.js';
import { prefer } from './support/smtp-people.js';

const MESSAGES = 10_000;
const PEOPLE = Array.from({ length: 100 }, (_, place) => `person-${place}`);
const THREADS = 80;
const MUTED = '2100-01-01T00:00:00Z';
const SEED = 20261121;

let database: TestDatabase;
let nodes: TestApp[];

beforeAll(async () => {
  database = await createDatabase();
  const node = (): Promise<TestApp> => startApp({ NOTIFIER: 'true', LOG_LEVEL: 'error' }, database);
  nodes = [await node(), await node()];
});
afterAll(async () => {
  for (const node of nodes) await node.stop();
  await database.drop();
});

/** The same numbers in every run: mulberry32. */
function randomOf(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

const as = (userId: string): Viewer => ({
  userId,
  isService: false,
  isAdmin: false,
  displayName: null,
  avatarUrl: null,
  issuedAt: null,
  expiresAt: Infinity,
});

const wantsReceipts = (person: string): boolean => person.endsWith('7');

async function openThreads(random: (limit: number) => number): Promise<ThreadModel[]> {
  const [app] = nodes as [TestApp];
  for (const person of PEOPLE.filter(wantsReceipts))
    await prefer(app, person, {
      channels: [{ channel: 'IN_APP', types: ['NEW_MESSAGE', 'MESSAGE_READ'] }],
    });
  const models: ThreadModel[] = [];
  for (let place = 0; place < THREADS; place++) {
    const people = new Set<string>();
    while (people.size < 2 + (place % 4)) people.add(PEOPLE[random(PEOPLE.length)]!);
    const [tourist, guide, ...members] = [...people] as [string, string, ...string[]];
    const { id } = await openThread(app, { tourist, guide, trip: `trip-${place}` });
    for (const member of members) await addParticipant(app, id, member);
    const muted = new Set([...people].filter(() => random(10) === 0));
    for (const person of muted) await app.get(ThreadsService).mute(as(person), id, new Date(MUTED));
    models.push(new ThreadModel(id, [...people], muted, wantsReceipts));
  }
  return models;
}

/** Does to a thread and to its model the same, one after the other, while other threads do so at once. */
async function live(
  model: ThreadModel,
  count: number,
  random: (limit: number) => number,
): Promise<void> {
  const ids: string[] = [];
  while (model.length < count) {
    const messages = nodes[random(nodes.length)]!.get(MessagesService);
    const person = model.people[random(model.people.length)]!;
    const chance = random(100);
    if (chance < 3 && model.length > 0) {
      const sequence = 1 + random(model.length);
      const author = model.authorOf(sequence);
      await messages.delete(as(author), ids[sequence - 1]!);
      model.delete(sequence);
    } else if (chance < 15 && model.length > 0) {
      const upTo = 1 + random(model.length);
      await messages.markThreadRead(as(person), model.id, upTo);
      model.read(person, upTo);
    } else {
      const draft = { body: 'x', messageType: 'TEXT', location: null, replyToId: null } as const;
      const { message } = await messages.send(
        as(person),
        model.id,
        draft,
        `${model.id}-${model.length}`,
      );
      ids.push(message.id);
      model.send(person);
    }
  }
}

async function unreadOf(person: string): Promise<Expected[]> {
  const found: Expected[] = [];
  let after: string | null = null;
  do {
    const { notifications } = (await nodes[0]!.as(person).run(
      `query ($after: String) {
         notifications(unread: true, first: 100, after: $after) {
           nodes { type threadId count message { sequence } } pageInfo { hasNextPage endCursor }
         }
       }`,
      { after },
    )) as {
      notifications: {
        nodes: { type: string; threadId: string; count: number; message: { sequence: number } }[];
        pageInfo: { hasNextPage: boolean; endCursor: string };
      };
    };
    for (const { message, ...rest } of notifications.nodes)
      found.push({ ...rest, sequence: message.sequence });
    after = notifications.pageInfo.hasNextPage ? notifications.pageInfo.endCursor : null;
  } while (after !== null);
  return found;
}

const inOrder = (list: readonly Expected[]): Expected[] =>
  [...list].sort((one, other) => (one.threadId + one.type < other.threadId + other.type ? -1 : 1));

it(`tells 100 people of ${MESSAGES} messages exactly as the model says, on two nodes at once`, async () => {
  const random = randomOf(SEED);
  const models = await openThreads(random);
  await Promise.all(
    models.map((model, place) => live(model, MESSAGES / THREADS, randomOf(SEED + place))),
  );
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const numberOf = async (text: string): Promise<number> =>
    Number((await client.query<{ n: string }>(`SELECT (${text}) AS n`)).rows[0]!.n);
  await until(
    async () =>
      (await numberOf(
        `SELECT count(*) FROM inboxes i LEFT JOIN notifier_positions n USING (user_id)
           WHERE i.position > coalesce(n.position, 0)`,
      )) === 0,
    'the notifiers have taken everything in by themselves',
    60_000,
  );
  for (const person of PEOPLE) {
    const expected = models.flatMap((model) =>
      model.people.includes(person) ? model.expected(person) : [],
    );
    expect([person, inOrder(await unreadOf(person))]).toEqual([person, inOrder(expected)]);
    const { viewer } = await nodes[1]!.as(person).run('{ viewer { unreadNotificationCount } }');
    expect([person, viewer.unreadNotificationCount]).toEqual([person, expected.length]);
  }
  // Every recipient of every message has exactly one line in the trace.
  const recipients = models.reduce(
    (sum, { people, length }) => sum + (people.length - 1) * length,
    0,
  );
  const ofMessages = `FROM notification_deliveries WHERE type = 'NEW_MESSAGE'`;
  expect(await numberOf('SELECT count(*) FROM messages')).toBe(MESSAGES);
  expect(await numberOf(`SELECT count(*) ${ofMessages}`)).toBe(recipients);
  // Whatever was told live is there, and whatever is there was told live.
  expect(
    await numberOf(
      `SELECT count(*) FROM notifications n WHERE NOT EXISTS (
           SELECT FROM inbox_entries e WHERE e.user_id = n.user_id AND e.notification_id = n.id)`,
    ),
  ).toBe(0);
  expect(
    await numberOf(
      `SELECT count(*) FROM inbox_entries e WHERE e.kind = 'NOTIFICATION_ADDED'
           AND NOT EXISTS (SELECT FROM notifications n WHERE n.id = e.notification_id AND n.user_id = e.user_id)`,
    ),
  ).toBe(0);
  await client.end();
}, 240_000);
