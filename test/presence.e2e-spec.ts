import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { EventBus } from '../src/events/event-bus.js';
import { PresenceService } from '../src/presence/presence.service.js';
import type { TestApp, TokenClaims } from './support/app.js';
import { startApp, until } from './support/app.js';
import { createDatabase } from './support/database.js';
import type { Runner } from './support/seeds.js';
import { ADMIN, addParticipant, openThread, PLATFORM } from './support/seeds.js';
import type { SocketClient, Subscription } from './support/socket-client.js';
import { statementsOf } from './support/statements.js';

const PRESENCE_CHANGED = `subscription {
  presenceChanged { isOnline lastSeenAt user { id displayName isOnline lastSeenAt } }
}`;
const GRACE_MS = 1_000;
const HEARTBEAT_MS = 500;
const ENVIRONMENT = {
  PRESENCE_GRACE_MS: String(GRACE_MS),
  PRESENCE_HEARTBEAT_MS: String(HEARTBEAT_MS),
};

let app: TestApp;
const sockets: SocketClient[] = [];
beforeAll(async () => {
  app = await startApp(ENVIRONMENT);
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) await socket.close();
});
afterAll(async () => {
  await until(() => app.get(PresenceService).size === 0, 'no watch is left');
  await app.stop();
});

async function open(sub: string, claims?: TokenClaims): Promise<SocketClient> {
  const socket = await app.socket(sub, claims);
  sockets.push(socket);
  return socket;
}

/** A tourist and a guide of a test's own, so that nobody of another test comes or goes. */
async function meet(): Promise<{ ann: string; ben: string; eve: string; threadId: string }> {
  const mark = randomUUID().slice(0, 8);
  const [ann, ben, eve] = [`ann-${mark}`, `ben-${mark}`, `eve-${mark}`];
  return { ann, ben, eve, threadId: (await openThread(app, { tourist: ann, guide: ben })).id };
}

/** Watches on a socket of its own. */
async function watch(sub: string): Promise<Subscription> {
  const before = app.get(PresenceService).size;
  const subscription = (await open(sub)).start(PRESENCE_CHANGED);
  await until(() => app.get(PresenceService).size > before, 'the watch stands');
  return subscription;
}

interface Sight {
  readonly isOnline: boolean | null;
  readonly lastSeenAt: string | null;
}

/** What somebody learns of the thread's tourist. */
async function touristOf(client: Runner, threadId: string): Promise<Sight> {
  const { thread } = await client.run(
    `query ($id: ID!) { thread(id: $id) { tourist { isOnline lastSeenAt } } }`,
    { id: threadId },
  );
  return thread.tourist;
}

const report = (nodeId: string, userId: string, count: number): void => {
  app.get<EventBus>(EventBus).publish({ type: 'presenceReported', nodeId, userId, sockets: count });
};

it('tells those who share a thread when somebody comes, and when they have gone for good', async () => {
  const { ann, ben } = await meet();
  const watched = await watch(ben);
  const socket = await open(ann);
  const came = (await watched.next()).presenceChanged;
  expect(came).toMatchObject({ isOnline: true, user: { id: ann, isOnline: true } });
  await socket.close();
  const closed = performance.now();
  const went = (await watched.next()).presenceChanged;
  expect(performance.now() - closed).toBeGreaterThan(0.9 * GRACE_MS);
  expect(went).toMatchObject({ isOnline: false, user: { id: ann, isOnline: false } });
  expect(went.user.lastSeenAt).toBe(went.lastSeenAt);
  expect(Date.parse(went.lastSeenAt)).toBeGreaterThanOrEqual(Date.parse(came.lastSeenAt));
  // The end of the connection, not of the grace.
  expect(Date.parse(went.lastSeenAt)).toBeLessThan(Date.now() - 0.5 * GRACE_MS);
});

it('does not flap when somebody is back within the grace, or has another device', async () => {
  const { ann, ben, threadId } = await meet();
  const watched = await watch(ben);
  const [phone, laptop] = [await open(ann), await open(ann)];
  expect((await watched.next()).presenceChanged.isOnline).toBe(true);
  phone.cut();
  await phone.closed;
  laptop.cut();
  await laptop.closed;
  expect((await touristOf(app.as(ben), threadId)).isOnline).toBe(true);
  const back = await open(ann);
  await addParticipant(app, threadId, `max-${ann}`);
  const closed = performance.now();
  await until(() => performance.now() - closed > 1.2 * GRACE_MS, 'the grace is over');
  await open(`max-${ann}`);
  // Nothing of ann comes before max does.
  expect((await watched.next()).presenceChanged.user.id).toBe(`max-${ann}`);
  expect((await touristOf(app.as(ben), threadId)).isOnline).toBe(true);
  await back.close();
  expect((await watched.next()).presenceChanged).toMatchObject({
    isOnline: false,
    user: { id: ann },
  });
});

it('is known to those who share a thread and to oneself, and to nobody else', async () => {
  const { ann, eve, ben, threadId } = await meet();
  const watched = await watch(eve);
  await open(ann);
  const self = `{ viewer { user { isOnline lastSeenAt } } }`;
  expect((await app.as(ann).run(self)).viewer.user.isOnline).toBe(true);
  expect((await app.as(ben).run(self)).viewer.user.isOnline).toBe(false);
  expect((await touristOf(app.as(ben), threadId)).isOnline).toBe(true);
  // They see the thread, but are not in it.
  const nothing = { isOnline: null, lastSeenAt: null };
  expect(await touristOf(app.as('root', ADMIN), threadId)).toEqual(nothing);
  expect(await touristOf(app.as('platform', PLATFORM), threadId)).toEqual(nothing);
  await addParticipant(app, threadId, eve);
  expect((await touristOf(app.as(eve), threadId)).isOnline).toBe(true);
  await open(ben);
  expect((await watched.next()).presenceChanged.user.id).toBe(ben);
});

it('is not for services', async () => {
  const socket = await open('platform', PLATFORM);
  expect(await socket.start(PRESENCE_CHANGED).refusal()).toBe('FORBIDDEN');
  const { viewer } = await socket.run(`{ viewer { user { isOnline lastSeenAt } } }`);
  expect(viewer.user).toEqual({ isOnline: null, lastSeenAt: null });
});

it('counts connections to other nodes, and ends with the last of them', async () => {
  const { ann, ben } = await meet();
  const watched = await watch(ben);
  report('node-2', ann, 2);
  expect((await watched.next()).presenceChanged.isOnline).toBe(true);
  const socket = await open(ann);
  report('node-2', ann, 0);
  report('node-3', ann, 1);
  await socket.close();
  report('node-3', ann, 0);
  expect((await watched.next()).presenceChanged).toMatchObject({
    isOnline: false,
    user: { id: ann },
  });
});

it('forgets a node that is silent, and not one that repeats itself', async () => {
  const { ann, ben, threadId } = await meet();
  await addParticipant(app, threadId, `max-${ann}`);
  const watched = await watch(ben);
  // On this node all the time, which must not forget its own people.
  await open(`max-${ann}`);
  expect((await watched.next()).presenceChanged.user.id).toBe(`max-${ann}`);
  const start = performance.now();
  report('node-2', ann, 1);
  expect((await watched.next()).presenceChanged).toMatchObject({
    isOnline: true,
    user: { id: ann },
  });
  const repeating = setInterval(() => {
    report('node-2', ann, 1);
  }, HEARTBEAT_MS);
  await until(
    () => performance.now() - start > 5 * HEARTBEAT_MS + GRACE_MS,
    'a silent node would have been forgotten',
  );
  clearInterval(repeating);
  const silent = performance.now();
  expect(watched.pending).toEqual([]);
  const { presenceChanged } = await watched.next();
  expect(presenceChanged).toMatchObject({ isOnline: false, user: { id: ann } });
  expect(performance.now() - silent).toBeGreaterThan(2 * HEARTBEAT_MS);
  expect(presenceChanged.lastSeenAt).not.toBeNull();
});

it('repeats to other nodes who is connected here, for as long as they are', async () => {
  const { ann } = await meet();
  const heard: number[] = [];
  const stop = app.get<EventBus>(EventBus).listen((event) => {
    if (event.type === 'presenceReported' && event.userId === ann) heard.push(event.sockets);
  });
  const socket = await open(ann);
  await until(() => heard.length >= 3, 'two heartbeats follow the coming');
  expect(new Set(heard)).toEqual(new Set([1]));
  await socket.close();
  await until(() => heard.includes(0), 'the going is told');
  stop();
});

it('costs a page of fifty threads one statement', async () => {
  const { ben } = await meet();
  await Promise.all(
    Array.from({ length: 50 }, (_, place) =>
      openThread(app, { tourist: `tourist-${place}-${ben}`, guide: ben }),
    ),
  );
  await open(`tourist-7-${ben}`);
  const person = `id isOnline lastSeenAt`;
  let threads: any;
  const statements = await statementsOf(app, async () => {
    ({ threads } = await app
      .as(ben)
      .run(
        `{ threads(first: 50) { nodes { tourist { ${person} } guide { ${person} } participants { user { ${person} } } } } }`,
      ));
  });
  expect(threads.nodes).toHaveLength(50);
  const online = threads.nodes.filter(({ tourist }: any) => tourist.isOnline === true);
  expect(online.map(({ tourist }: any) => tourist.id)).toEqual([`tourist-7-${ben}`]);
  expect(statements.filter(({ name }) => name === 'presence_visible')).toHaveLength(1);
});

it('stores when people were last seen, also when the server stops', async () => {
  const database = await createDatabase();
  const short = await startApp(ENVIRONMENT, database);
  await openThread(short);
  const socket = await short.socket('ann');
  const before = Date.now();
  await short.close();
  expect((await socket.closed).code).toBe(1012);
  const client = new Client({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query(
    `SELECT id, last_seen_at FROM users WHERE id IN ('ann', 'ben') ORDER BY id`,
  );
  await client.end();
  await database.drop();
  expect(rows[0].last_seen_at.getTime()).toBeGreaterThanOrEqual(before);
  expect(rows[1].last_seen_at).toBeNull();
});

it('leaves nothing behind, however a watch ends', async () => {
  const presence = app.get(PresenceService);
  await until(() => presence.size === 0, 'the watches of the other tests are gone');
  await watch('ann');
  const completed = await watch('ben');
  const cut = await open('ben');
  cut.start(PRESENCE_CHANGED);
  cut.cut();
  completed.stop();
  await until(() => presence.size === 1, 'only the open one is left');
});
