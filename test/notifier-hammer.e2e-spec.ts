import { afterAll, beforeAll, expect, it } from '@jest/globals';
import pg from 'pg';
import { NotifierService } from '../src/notifications/notifier.service.js';
import type { TestApp } from './support/app.js';
import { startApp, until } from './support/app.js';
import type { TestDatabase } from './support/database.js';
import { createDatabase } from './support/database.js';
import { addParticipant, markRead, openThread, send } from './support/seeds.js';

const MESSAGES = 400;
/** Few people in many threads with each other, so that everybody is always in everybody's way. */
const PEOPLE = Array.from({ length: 12 }, (_, place) => `person-${place}`);
const THREADS = 18;

let database: TestDatabase;
let nodes: TestApp[];
let client: pg.Client;

beforeAll(async () => {
  database = await createDatabase();
  const node = (): Promise<TestApp> =>
    startApp({ NOTIFIER: 'true', NOTIFIER_SWEEP_MS: '100', LOG_LEVEL: 'error' }, database);
  nodes = [await node(), await node()];
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
const stopNodes = (): Promise<unknown> => Promise.all(nodes.splice(0).map((node) => node.stop()));
afterAll(async () => {
  await client.end();
  await stopNodes();
  await database.drop();
});

const oneOf = <Item>(items: readonly Item[]): Item =>
  items[Math.floor(Math.random() * items.length)]!;
const shuffled = <Item>(items: readonly Item[]): Item[] =>
  items
    .map((item) => [Math.random(), item] as const)
    .sort(([one], [other]) => one - other)
    .map(([, item]) => item);

interface Room {
  readonly id: string;
  readonly people: readonly string[];
  readonly sent: { id: string; author: string; sequence: number }[];
}

async function openRoom(place: number): Promise<Room> {
  const [tourist, guide, ...members] = shuffled(PEOPLE).slice(0, 2 + (place % 4));
  const { id } = await openThread(nodes[0]!, {
    tourist: tourist!,
    guide: guide!,
    trip: `${place}`,
  });
  for (const member of members) await addParticipant(nodes[0]!, id, member);
  return { id, people: [tourist!, guide!, ...members], sent: [] };
}

async function sendTo({ id, people, sent }: Room, node: TestApp): Promise<void> {
  const author = oneOf(people);
  sent.push({ ...(await send(node.as(author), id)), author });
}

const rowsOf = async (text: string): Promise<any[]> => (await client.query(text)).rows;

it('sends, readings, deletions and several notifiers of the same people never wait in a circle', async () => {
  const rooms: Room[] = [];
  for (let place = 0; place < THREADS; place++) rooms.push(await openRoom(place));
  for (const room of rooms) await sendTo(room, nodes[0]!);
  const said = (): number => rooms.reduce((sum, { sent: { length } }) => sum + length, 0);
  const keepOn = async (work: (node: TestApp, room: Room) => Promise<unknown>): Promise<void> => {
    while (said() < MESSAGES) await work(oneOf(nodes), oneOf(rooms));
  };
  const say = (): Promise<void> => keepOn((node, room) => sendTo(room, node));
  const read = (): Promise<void> =>
    keepOn(async (node, { id, people, sent }) => {
      await markRead(node.as(oneOf(people)), id, oneOf(sent).sequence);
    });
  const withdraw = (): Promise<void> =>
    keepOn(async (node, { sent }) => {
      const { id, author } = oneOf(sent);
      await node
        .as(author)
        .run(
          `mutation ($input: DeleteMessageInput!) { deleteMessage(input: $input) { message { id } } }`,
          { input: { messageId: id } },
        );
    });
  const takeIn = (): Promise<void> =>
    keepOn((node) => node.get(NotifierService).takeIn(shuffled(PEOPLE).slice(0, 8)));
  const ask = (): Promise<void> =>
    keepOn((node) => node.as(oneOf(PEOPLE)).run('{ viewer { unreadNotificationCount } }'));
  await Promise.all(
    [say, say, say, say, read, read, withdraw, takeIn, takeIn, takeIn, ask, ask].map((work) =>
      work(),
    ),
  );
  await until(
    async () =>
      (
        await rowsOf(
          `SELECT FROM inboxes i LEFT JOIN notifier_positions n USING (user_id) WHERE i.position > coalesce(n.position, 0)`,
        )
      ).length === 0,
    'everything is taken in',
  );

  const sent = rooms.reduce(
    (sum, { people, sent: { length } }) => sum + length * (people.length - 1),
    0,
  );
  // Each message once for each of the others, whatever became of it.
  expect(await rowsOf('SELECT count(*)::integer AS n FROM notification_deliveries')).toEqual([
    { n: sent },
  ]);
  // What a notification counts is what is unread in the thread and still there.
  expect(
    await rowsOf(
      `SELECT p.user_id, p.thread_id, p.unread_count, n.count FROM participants p
       LEFT JOIN notifications n ON n.user_id = p.user_id AND n.thread_id = p.thread_id AND n.read_at IS NULL
       WHERE p.unread_count <> coalesce(n.count, 0)`,
    ),
  ).toEqual([]);
  // PostgreSQL counts when a connection ends, so that a repeat hides nothing.
  await stopNodes();
  expect(
    await rowsOf(
      'SELECT deadlocks::integer FROM pg_stat_database WHERE datname = current_database()',
    ),
  ).toEqual([{ deadlocks: 0 }]);
}, 120_000);
