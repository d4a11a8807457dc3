import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Executor } from '../src/graphql/executor.js';
import type { JournalOperation } from '../src/graphql/live-operation.js';
import { SocketOperations } from '../src/graphql/socket-operations.js';
import { Hub } from '../src/inbox/hub.js';
import type { TestApp } from './support/app.js';
import { startApp, until } from './support/app.js';
import { ADMIN, openThread, send } from './support/seeds.js';
import { SocketClient } from './support/socket-client.js';

const INBOX = 'subscription { inboxEvents { __typename cursor } }';
const MESSAGES = 'subscription { messageAdded { message { body } } }';

const subscribe = (id: string, query: string): object => ({
  id,
  type: 'subscribe',
  payload: { query },
});
const complete = (id: string): object => ({ id, type: 'complete' });

/** Subscriptions on the journal write their own frames, and are graphql-ws's for all that ids are for. */
describe('a live operation', () => {
  let app: TestApp;
  let threadId: string;
  beforeAll(async () => {
    app = await startApp();
    ({ id: threadId } = await openThread(app));
  });
  afterAll(() => app.stop());

  const closeCode = async (socket: SocketClient): Promise<number> => (await socket.closed).code;

  it('holds its id while it runs: another one closes the socket with 4409', async () => {
    const socket = await app.socket('ann');
    const stream = socket.start(INBOX);
    await stream.next();
    socket.send(subscribe(stream.id, MESSAGES));
    expect(await closeCode(socket)).toBe(4409);
    await until(() => app.get(Hub).size === 0, 'no stream is left');
  });

  it.each([
    ['first', [ADMIN, {}]],
    ['last', [{}, ADMIN]],
  ])(
    'sees what its own token allows, also where the person has an admin token on the socket that came %s',
    async (_place, claims) => {
      const after: unknown = (await app.as('ann').run('{ viewer { cursor } }')).viewer.cursor;
      const query = `subscription ($after: String) {
        messageAdded(after: $after) { cursor message { body versions { body } } } }`;
      const sockets = await Promise.all(claims.map((each) => app.socket('ann', each)));
      const streams = sockets.map((socket) => socket.start(query, { after }));
      await send(app.as('ben'), threadId, 'for both');
      const seen = await Promise.all(
        streams.map((stream) => stream.next().then(JSON.stringify, String)),
      );
      for (const [place, each] of seen.entries())
        if (claims[place] === ADMIN) expect(each).toContain('"versions":[]');
        else expect(each).toContain('FORBIDDEN');
      for (const socket of sockets) await socket.close();
    },
  );

  it('holds its id while it is prepared', async () => {
    const socket = await app.socket('ann');
    socket.send(subscribe('same', INBOX));
    socket.send(subscribe('same', INBOX));
    expect(await closeCode(socket)).toBe(4409);
    await until(() => app.get(Hub).size === 0, 'no stream is left');
  });

  it('that is completed before it runs tells nothing and leaves nothing', async () => {
    const socket = await app.socket('ann');
    for (const query of [INBOX, MESSAGES]) {
      socket.send(subscribe('brief', query));
      socket.send(complete('brief'));
    }
    await until(() => app.get(Hub).size === 0, 'no stream is left');
    await send(app.as('ann'), threadId, 'nobody listens');
    socket.send({ type: 'ping' });
    expect(await socket.control()).toEqual({ type: 'pong' });
    await socket.close();
  });

  it('is the last one that was started under its id; those before it are gone', async () => {
    const socket = await app.socket('ann');
    for (let round = 0; round < 20; round++) {
      const stream = socket.start(INBOX);
      for (let again = 0; again < 3; again++) {
        stream.stop();
        socket.send(subscribe(stream.id, again < 2 ? INBOX : MESSAGES));
      }
      const body = `round ${round}`;
      await until(async () => {
        await send(app.as('ann'), threadId, body);
        return stream.pending.some(({ payload }) => payload.data.messageAdded !== undefined);
      }, 'the last one hears of messages');
      expect(stream.pending.every(({ type }) => type === 'next')).toBe(true);
      stream.stop();
      socket.forget([stream]);
      await until(() => app.get(Hub).size === 0, 'no stream is left');
    }
    await socket.close();
  });

  it('may be asked with variables that it does not declare, however deep', async () => {
    const [junk, other] = [await app.socket('ann'), await app.socket('ann')];
    const stream = other.start(INBOX);
    await stream.next();
    const deep = '['.repeat(15_000) + ']'.repeat(15_000);
    const payload = `{"query":${JSON.stringify(INBOX)},"variables":{"junk":${deep}}}`;
    const odd = junk.start(INBOX);
    await odd.next();
    odd.stop();
    junk.send(`{"id":"${odd.id}","type":"subscribe","payload":${payload}}`);
    expect((await odd.next()).inboxEvents.__typename).toBe('InboxReady');
    await send(app.as('ben'), threadId);
    for (const events of [odd, stream])
      expect((await events.next()).inboxEvents.__typename).toBe('MessageAdded');
    for (const socket of [junk, other]) await socket.close();
  });

  it('whose events cannot be told ends, and the others of the person go on', async () => {
    const [broken, other] = [await app.socket('ann'), await app.socket('ann')];
    const stream = other.start(INBOX);
    await stream.next();
    const failing = broken.start(`subscription Broken { inboxEvents { __typename } }`);
    await failing.next();
    const executor = app.get(Executor);
    const { execute } = executor;
    executor.execute = (execution) => {
      if (execution.operationName === 'Broken') throw new Error('a fault of ours');
      return execute.call(executor, execution);
    };
    try {
      await send(app.as('ben'), threadId);
      expect(await failing.refusal()).toBe('INTERNAL_SERVER_ERROR');
      expect((await stream.next()).inboxEvents.__typename).toBe('MessageAdded');
    } finally {
      executor.execute = execute;
    }
    for (const socket of [broken, other]) await socket.close();
  });

  it.each(['plainly', '\u{1F600}'.repeat(40), 'é'.repeat(200)])(
    'holds its id, however long it is: %s',
    async (id) => {
      const socket = await app.socket('ann');
      socket.send(subscribe(id, INBOX));
      socket.send(subscribe(id, INBOX));
      const { code, reason } = await socket.closed;
      expect(code).toBe(4409);
      expect(`Subscriber for ${id} already exists`.startsWith(reason)).toBe(true);
      expect(Buffer.byteLength(reason)).toBeGreaterThanOrEqual(Math.min(119, id.length + 30));
    },
  );

  it.each([
    { type: 'connection_ack' },
    { type: 'next', id: '1', payload: {} },
    { type: 'error', id: '1', payload: [{ message: 'x' }] },
  ])('is not answered by a client: $type closes the socket with 4400', async (message) => {
    const stranger = await SocketClient.connect(`${app.url}/graphql`);
    for (const socket of [stranger, await app.socket('ann')]) {
      socket.send(message);
      expect(await closeCode(socket)).toBe(4400);
    }
  });

  it.each(['no JSON', '"{\\"type\\":\\"ping\\"}"', 'null', '[]', '{"type":"unheard-of"}'])(
    'is not begun by %s, which closes the socket with 4400',
    async (text) => {
      const socket = await app.socket('ann');
      socket.send(text);
      expect(await closeCode(socket)).toBe(4400);
    },
  );

  it('keeps of what a client has sent only what it asks for', async () => {
    const socket = await app.socket('ann');
    const junk = [{}, {}];
    const query = 'subscription ($after: String) { inboxEvents(after: $after) { __typename } }';
    const payload = { query, variables: { after: null, junk }, extensions: { junk }, junk };
    socket.send({ id: 'kept', type: 'subscribe', payload, junk });
    expect(await socket.control()).toMatchObject({ id: 'kept', type: 'next' });
    const operations = [...app.get(SocketOperations).sockets].flatMap(
      ({ connection }) => Object.values(connection.context!.subscriptions) as JournalOperation[],
    );
    expect(operations.map(({ variables }) => variables)).toEqual([{ after: null }]);
    await socket.close();
  });

  it('is refused where the texts of a socket’s subscriptions are too long together, equal ones counted once', async () => {
    const socket = await app.socket('ann');
    const long = (place: number): string => `${INBOX} # ${place}${'!'.repeat(10_000)}`;
    const streams = [0, 1, 2, 2, 2].map((place) => socket.start(long(place)));
    for (const stream of streams)
      expect((await stream.next()).inboxEvents.__typename).toBe('InboxReady');
    expect(await socket.start(long(3)).refusal()).toBe('RATE_LIMITED');
    streams[0]!.stop();
    expect((await socket.start(long(3)).next()).inboxEvents.__typename).toBe('InboxReady');
    await socket.close();
  });

  it('is not begun by a ping too deep to be said back, which closes the socket with 4400', async () => {
    const ping = (depth: number): string =>
      `{"type":"ping","payload":{"deep":${'['.repeat(depth)}${']'.repeat(depth)}}}`;
    const socket = await app.socket('ann');
    socket.send(ping(500));
    expect(await socket.control()).toMatchObject({ type: 'pong' });
    socket.send(ping(20_000));
    expect(await closeCode(socket)).toBe(4400);
  });

  it.each([false, true])(
    'is not begun by what is no UTF-8, which closes the socket with 1007 (binary: %j)',
    async (binary) => {
      const bytes = (encoding: BufferEncoding): Buffer =>
        Buffer.from(JSON.stringify(subscribe('café', '{ __typename }')), encoding);
      const socket = await app.socket('ann');
      socket.ws.send(bytes('utf8'), { binary });
      expect(await socket.control()).toMatchObject({ id: 'café', type: 'next' });
      socket.ws.send(bytes('latin1'), { binary });
      expect(await closeCode(socket)).toBe(1007);
    },
  );
});
