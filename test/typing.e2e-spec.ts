import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { EventBus } from '../src/events/event-bus.js';
import type { BusEvent } from '../src/events/events.js';
import { TypingService } from '../src/presence/typing.service.js';
import type { TestApp, TokenClaims } from './support/app.js';
import { startApp, until } from './support/app.js';
import type { Runner, SeededThread } from './support/seeds.js';
import { ADMIN, addParticipant, openThread, PLATFORM, setStatus } from './support/seeds.js';
import type { SocketClient, Subscription } from './support/socket-client.js';

const SET_TYPING = `mutation ($input: SetTypingInput!) { setTyping(input: $input) { threadId } }`;
const TYPING_CHANGED = `subscription ($threadId: ID!) {
  typingChanged(threadId: $threadId) { threadId users { id displayName } }
}`;

const TTL_MS = 2_000;
let app: TestApp;
let thread: SeededThread;
const sockets: SocketClient[] = [];
beforeAll(async () => {
  app = await startApp({ TYPING_TTL_MS: String(TTL_MS) });
});
beforeEach(async () => {
  thread = await openThread(app, { trip: randomUUID() });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) await socket.close();
});
afterAll(async () => {
  await until(() => app.get(TypingService).size === 0, 'no watch and no typist is left');
  await app.stop();
});

async function open(sub: string, claims?: TokenClaims): Promise<SocketClient> {
  const socket = await app.socket(sub, claims);
  sockets.push(socket);
  return socket;
}

const setTyping = (client: Runner, isTyping: boolean): Promise<unknown> =>
  client.run(SET_TYPING, { input: { threadId: thread.id, isTyping } });
const refusalOf = (sub: string, isTyping = true, claims = {}): Promise<string> =>
  app.as(sub, claims).refusal(SET_TYPING, { input: { threadId: thread.id, isTyping } });

/** The ids of the next set. */
async function nextSet(subscription: Subscription): Promise<string[]> {
  const { typingChanged } = await subscription.next();
  expect(typingChanged.threadId).toBe(thread.id);
  return typingChanged.users.map(({ id }: { id: string }) => id);
}

/** Watches the thread; has got the set as it is, which is empty. */
async function watch(socket: SocketClient): Promise<Subscription> {
  const subscription = socket.start(TYPING_CHANGED, { threadId: thread.id });
  expect(await nextSet(subscription)).toEqual([]);
  return subscription;
}

const removeParticipant = (userId: string): Promise<unknown> =>
  app
    .as('platform', PLATFORM)
    .run(
      `mutation ($input: RemoveParticipantInput!) { removeParticipant(input: $input) { thread { id } } }`,
      { input: { threadId: thread.id, userId } },
    );

it('tells everybody in the thread who is typing, and when they are done', async () => {
  const socket = await open('ben');
  const [ofAnn, ofBen] = [await watch(await open('ann')), await watch(socket)];
  await setTyping(app.as('ann', { name: 'Ann' }), true);
  const { typingChanged } = await ofBen.next();
  expect(typingChanged).toEqual({
    threadId: thread.id,
    users: [{ id: 'ann', displayName: 'Ann' }],
  });
  expect(await nextSet(ofAnn)).toEqual(['ann']);
  await setTyping(socket, true);
  expect(await nextSet(ofAnn)).toEqual(['ann', 'ben']);
  await setTyping(app.as('ann'), false);
  await setTyping(socket, false);
  expect(await nextSet(ofAnn)).toEqual(['ben']);
  expect(await nextSet(ofAnn)).toEqual([]);
});

it('begins with the set as it is', async () => {
  const early = await watch(await open('ben'));
  await setTyping(app.as('ann'), true);
  expect(await nextSet(early)).toEqual(['ann']);
  const late = (await open('ben')).start(TYPING_CHANGED, { threadId: thread.id });
  expect(await nextSet(late)).toEqual(['ann']);
});

it('ends by itself a while after the last signal, and says nothing of repeated ones', async () => {
  const watched = await watch(await open('ben'));
  await setTyping(app.as('ann'), true);
  const first = performance.now();
  expect(await nextSet(watched)).toEqual(['ann']);
  let last = 0;
  await until(async () => {
    last = performance.now();
    await setTyping(app.as('ann'), true);
    return performance.now() - first > 1.2 * TTL_MS;
  }, 'repeated signals outlast a single one');
  expect(await nextSet(watched)).toEqual([]);
  expect(performance.now() - last).toBeGreaterThan(0.9 * TTL_MS);
  expect(watched.pending).toEqual([]);
});

it('is told between nodes by how long it holds, for their clocks may differ', async () => {
  const heard: BusEvent[] = [];
  const stopListening = app.get<EventBus>(EventBus).listen((event) => {
    if (event.type === 'typingSignalled') heard.push(event);
  });
  await setTyping(app.as('ann'), true);
  await setTyping(app.as('ann'), false);
  await until(() => heard.length === 2, 'both signals are heard');
  stopListening();
  const signal = { type: 'typingSignalled', threadId: thread.id, userId: 'ann' };
  expect(heard).toEqual([
    { ...signal, leftMs: TTL_MS },
    { ...signal, leftMs: 0 },
  ]);
});

it('tells nothing of other threads', async () => {
  const watched = await watch(await open('ben'));
  const here = thread;
  thread = await openThread(app, { trip: randomUUID() });
  await setTyping(app.as('ann'), true);
  thread = here;
  await setTyping(app.as('ben'), true);
  expect(await nextSet(watched)).toEqual(['ben']);
});

it('does not exist for a stranger', async () => {
  const socket = await open('eve');
  expect(await refusalOf('eve')).toBe('NOT_FOUND');
  expect(await refusalOf('eve', false)).toBe('NOT_FOUND');
  const refused = socket.start(TYPING_CHANGED, { threadId: thread.id });
  expect(await refused.refusal()).toBe('NOT_FOUND');
  await addParticipant(app, thread.id, 'eve');
  const watched = await watch(socket);
  await setTyping(app.as('eve'), true);
  expect(await nextSet(watched)).toEqual(['eve']);
});

it('is for those in the thread, not for those who moderate it', async () => {
  const socket = await open('root', ADMIN);
  for (const [sub, claims] of [
    ['root', ADMIN],
    ['platform', PLATFORM],
  ] as const)
    expect(await refusalOf(sub, true, claims)).toBe('FORBIDDEN');
  const refused = socket.start(TYPING_CHANGED, { threadId: thread.id });
  expect(await refused.refusal()).toBe('FORBIDDEN');
});

it('refuses malformed ids', async () => {
  const input = { threadId: 'nonsense', isTyping: true };
  expect(await app.as('ann').refusal(SET_TYPING, { input })).toBe('BAD_USER_INPUT');
  const refused = (await open('ann')).start(TYPING_CHANGED, { threadId: 'nonsense' });
  expect(await refused.refusal()).toBe('BAD_USER_INPUT');
});

it('is refused where the thread takes no messages, except for saying that it is over', async () => {
  const watched = await watch(await open('ben'));
  await setTyping(app.as('ann'), true);
  expect(await nextSet(watched)).toEqual(['ann']);
  await setStatus(app.as('ben'), thread.id, 'ARCHIVED');
  expect(await refusalOf('ann')).toBe('THREAD_ARCHIVED');
  await setTyping(app.as('ann'), false);
  expect(await nextSet(watched)).toEqual([]);
  await setStatus(app.as('ben'), thread.id, 'BLOCKED');
  expect(await refusalOf('ann')).toBe('THREAD_BLOCKED');
  await setStatus(app.as('ben'), thread.id, 'ACTIVE');
  await setTyping(app.as('ann'), true);
  expect(await nextSet(watched)).toEqual(['ann']);
});

it('tells nothing more to somebody who has been removed, and nobody of them', async () => {
  await addParticipant(app, thread.id, 'eve');
  const ofBen = await watch(await open('ben'));
  const ofEve = await watch(await open('eve'));
  await setTyping(app.as('eve'), true);
  expect(await nextSet(ofBen)).toEqual(['eve']);
  expect(await nextSet(ofEve)).toEqual(['eve']);
  await removeParticipant('eve');
  await setTyping(app.as('ann'), true);
  expect(await nextSet(ofBen)).toEqual(['ann']);
  expect(await ofEve.frame()).toMatchObject({ type: 'complete' });
});

it('leaves nothing behind, however a watch ends', async () => {
  const typing = app.get(TypingService);
  await until(() => typing.size === 0, 'nobody types any more');
  const socket = await open('ben');
  const completed = await watch(socket);
  const cut = await open('ben');
  await watch(cut);
  // Whoever is gone before the answer must not be served for ever.
  cut.start(TYPING_CHANGED, { threadId: thread.id });
  cut.cut();
  completed.stop();
  socket.start(TYPING_CHANGED, { threadId: thread.id }).stop();
  await until(() => typing.size === 0, 'no watch is left');
});
