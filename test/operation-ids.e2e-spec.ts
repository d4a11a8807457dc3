import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { PresenceService } from '../src/presence/presence.service.js';
import { TypingService } from '../src/presence/typing.service.js';
import type { TestApp } from './support/app.js';
import { startApp, until } from './support/app.js';
import { openThread } from './support/seeds.js';
import type { SocketClient, Subscription } from './support/socket-client.js';

const TYPING = 'subscription ($threadId: ID!) { typingChanged(threadId: $threadId) { threadId } }';
const PRESENCE = 'subscription { presenceChanged { isOnline } }';
const INBOX = 'subscription { inboxEvents { __typename } }';
const SEND = 'mutation ($i: SendMessageInput!) { sendMessage(input: $i) { deduplicated } }';

const LIMIT = 5;

describe('an id that is used again after its operation was completed', () => {
  let app: TestApp;
  let socket: SocketClient;
  beforeAll(async () => {
    app = await startApp({ MAX_OPERATIONS_PER_SOCKET: String(LIMIT) });
  });
  beforeEach(async () => {
    socket = await app.socket('ann');
  });
  afterAll(() => app.stop());

  const again = ({ id }: Subscription, query: string, variables?: unknown): void => {
    socket.send({ id, type: 'complete' });
    socket.send({ id, type: 'subscribe', payload: { query, variables } });
  };
  const newThread = async (): Promise<string> => (await openThread(app, { trip: randomUUID() })).id;
  const setTyping = (threadId: string): Promise<unknown> =>
    app.as('ben').run('mutation ($i: SetTypingInput!) { setTyping(input: $i) { threadId } }', {
      i: { threadId, isTyping: true },
    });
  /** Whatever came before the answer to this one has been sent by then. */
  const settle = async (): Promise<void> => {
    await socket.run('{ viewer { cursor } }');
  };

  it('hears the signals of the last operation, and none of those before it', async () => {
    const [first, second] = [await newThread(), await newThread()];
    const stream = socket.start(TYPING, { threadId: first });
    again(stream, TYPING, { threadId: second });
    expect((await stream.next()).typingChanged.threadId).toBe(second);
    await setTyping(first);
    await setTyping(second);
    expect((await stream.next()).typingChanged.threadId).toBe(second);
    stream.stop();
    await setTyping(first);
    await settle();
    expect(stream.pending).toEqual([]);
    await socket.close();
  });

  it('goes on while one that runs is completed', async () => {
    const [first, second] = [await newThread(), await newThread()];
    const stream = socket.start(TYPING, { threadId: first });
    for (const threadId of [first, second]) {
      expect((await stream.next()).typingChanged.threadId).toBe(threadId);
      if (threadId === first) again(stream, TYPING, { threadId: second });
    }
    await setTyping(second);
    expect((await stream.next()).typingChanged.threadId).toBe(second);
    await socket.close();
  });

  it('leaves one stream, however often it is used, and none once that is completed', async () => {
    const threadId = await newThread();
    const { size: others } = app.get(PresenceService);
    const stream = socket.start(PRESENCE);
    for (let round = 0; round < 100; round++) {
      for (const query of [TYPING, PRESENCE, PRESENCE]) again(stream, query, { threadId });
      await settle();
    }
    await until(async () => {
      await settle();
      return app.get(PresenceService).size === others + 1;
    }, 'the last one runs alone');
    stream.stop();
    await until(() => app.get(PresenceService).size === others, 'no stream is left');
    await until(() => app.get(TypingService).size === 0, 'no watch is left');
    await socket.close();
  });

  it('gets the answer to the last query alone', async () => {
    const query = socket.start('{ viewer { user { id } } }');
    again(query, '{ threads(first: 1) { pageInfo { hasNextPage } } }');
    expect(Object.keys(await query.next())).toEqual(['threads']);
    expect((await query.frame()).type).toBe('complete');
    await settle();
    expect(query.pending).toEqual([]);
    await socket.close();
  });

  it.each([
    ['answer to the query', '{ viewer { user { id } } }'],
    ['answer to the query that was there at once', '{ __typename }'],
    ['refusal of the operation', '{ nothing }'],
  ])('gets no %s before it', async (_what, query) => {
    const stream = socket.start(query);
    again(stream, INBOX);
    expect(await stream.next()).toEqual({ inboxEvents: { __typename: 'InboxReady' } });
    await settle();
    expect(stream.pending).toEqual([]);
    // It holds its id: the first one has not given it away.
    socket.send({ id: stream.id, type: 'subscribe', payload: { query: INBOX } });
    expect((await socket.closed).code).toBe(4409);
  });

  it('does not make room for more at a time than a socket may run', async () => {
    const threadId = await newThread();
    const database = new Client({ connectionString: app.databaseUrl });
    await database.connect();
    const input = (): unknown => ({ i: { threadId, body: 'x', clientMessageId: randomUUID() } });
    try {
      await database.query('BEGIN');
      await database.query('SELECT FROM threads WHERE id = $1 FOR UPDATE', [threadId]);
      const send = socket.start(SEND, input());
      for (let count = 1; count <= LIMIT; count++) again(send, SEND, input());
      expect(await send.refusal()).toBe('RATE_LIMITED');
    } finally {
      await database.query('ROLLBACK');
      await database.end();
    }
    await until(async () => {
      const { payload } = await socket.start('{ __typename }').frame();
      return payload.data !== undefined;
    }, 'there is room again');
    await socket.close();
  });
});
