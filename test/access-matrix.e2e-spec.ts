import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { GraphQLSchemaHost } from '@nestjs/graphql';
import type { TestApp } from './support/app.js';
import { signToken, startApp } from './support/app.js';
import { HttpClient } from './support/http-client.js';
import { ADMIN, markRead, openThread, PLATFORM, send } from './support/seeds.js';
import type { Subscription } from './support/socket-client.js';
import { SocketClient } from './support/socket-client.js';

/**
 * ok: it is done, or the answer shows the thread (a subscription: the event comes). nothing: it is answered, and shows
 * nothing of the thread. Everything else is the code of the refusal.
 */
type Outcome = 'ok' | 'nothing' | 'NOT_FOUND' | 'FORBIDDEN';

/** What a row may name. */
interface Scene {
  readonly threadId: string;
  readonly annsMessage: string;
  readonly bensMessage: string;
  readonly trip: string;
}

interface Row {
  readonly operation: string;
  readonly input?: (scene: Scene) => unknown;
  readonly variables?: (scene: Scene) => object;
  /** Makes the event of a subscription that nobody else makes. */
  readonly trigger?: (scene: Scene) => Promise<unknown>;
  /** In the order of CALLERS. */
  readonly expected: readonly [Outcome, Outcome, Outcome, Outcome];
}

const CALLERS = {
  'a stranger': { sub: 'eve', claims: {} },
  'somebody in the thread': { sub: 'ann', claims: {} },
  'a service': { sub: 'platform', claims: PLATFORM },
  'an admin': { sub: 'root', claims: ADMIN },
} as const;

type Caller = keyof typeof CALLERS;

const ofThread = ({ threadId }: Scene): object => ({ threadId });
const mutation = (
  name: string,
  selection: string,
  input: (scene: Scene) => unknown,
  ...expected: Row['expected']
): [string, Row] => [
  name,
  {
    operation: `mutation ($input: ${name[0]!.toUpperCase()}${name.slice(1)}Input!) { ${name}(input: $input) ${selection} }`,
    input,
    expected,
  },
];
const query = (
  name: string,
  operation: string,
  variables: (scene: Scene) => object,
  ...expected: Row['expected']
): [string, Row] => [name, { operation, variables, expected }];
const subscription = (
  name: string,
  operation: string,
  trigger: ((scene: Scene) => Promise<unknown>) | undefined,
  ...expected: Row['expected']
): [string, Row] => [
  name,
  {
    operation,
    variables: ofThread,
    ...(trigger === undefined ? {} : { trigger }),
    expected,
  },
];

let app: TestApp;
const ben = (): HttpClient => app.as('ben');
const byBen = (name: string, input: object): Promise<unknown> =>
  ben().run(
    `mutation ($input: ${name[0]!.toUpperCase()}${name.slice(1)}Input!) { ${name}(input: $input) { __typename } }`,
    { input },
  );

//                                    stranger, in the thread, service, admin
const ROWS = new Map<string, Row>([
  query(
    'viewer',
    '{ viewer { cursor user { id } } }',
    () => ({}),
    'nothing',
    'nothing',
    'nothing',
    'nothing',
  ),
  query(
    'thread',
    'query ($threadId: ID!) { thread(id: $threadId) { id participants { user { id } } } }',
    ofThread,
    'NOT_FOUND',
    'ok',
    'ok',
    'ok',
  ),
  query('threads', '{ threads { nodes { id } } }', () => ({}), 'nothing', 'ok', 'ok', 'ok'),
  query(
    'message',
    'query ($id: ID!) { message(id: $id) { threadId body } }',
    ({ bensMessage }) => ({ id: bensMessage }),
    'NOT_FOUND',
    'ok',
    'ok',
    'ok',
  ),
  query(
    'messages',
    '{ messages(filter: {}, last: 10) { nodes { threadId body } } }',
    () => ({}),
    'nothing',
    'ok',
    'ok',
    'ok',
  ),
  query(
    'sync',
    '{ sync { cursor hasMore events { cursor } } }',
    () => ({}),
    'nothing',
    'nothing',
    'FORBIDDEN',
    'nothing',
  ),

  query(
    'notifications',
    '{ notifications { nodes { threadId } } }',
    () => ({}),
    'nothing',
    'ok',
    'FORBIDDEN',
    'nothing',
  ),
  query(
    'notificationTrace',
    'query ($id: ID!) { notificationTrace(messageId: $id) { at } }',
    ({ bensMessage }) => ({ id: bensMessage }),
    'NOT_FOUND',
    'nothing',
    'nothing',
    'nothing',
  ),

  mutation(
    'openThread',
    '{ thread { id } }',
    ({ trip }) => ({ touristId: 'ann', guideId: 'ben', tripId: trip }),
    'FORBIDDEN',
    'ok',
    'ok',
    'FORBIDDEN',
  ),
  mutation(
    'updateThreadStatus',
    '{ thread { id } }',
    (scene) => ({ ...ofThread(scene), status: 'ARCHIVED' }),
    'NOT_FOUND',
    'ok',
    'ok',
    'ok',
  ),
  mutation('deleteThread', '{ deletedThreadId }', ofThread, 'NOT_FOUND', 'FORBIDDEN', 'ok', 'ok'),
  mutation(
    'muteThread',
    '{ thread { id } }',
    ofThread,
    'NOT_FOUND',
    'ok',
    'FORBIDDEN',
    'FORBIDDEN',
  ),
  mutation(
    'addParticipant',
    '{ thread { id } }',
    (scene) => ({ ...ofThread(scene), userId: 'eve', role: 'MEMBER' }),
    'NOT_FOUND',
    'FORBIDDEN',
    'ok',
    'ok',
  ),
  mutation(
    'removeParticipant',
    '{ thread { id } }',
    (scene) => ({ ...ofThread(scene), userId: 'cat' }),
    'NOT_FOUND',
    'FORBIDDEN',
    'ok',
    'ok',
  ),
  mutation(
    'sendMessage',
    '{ message { threadId } }',
    (scene) => ({ ...ofThread(scene), body: 'Hi', clientMessageId: randomUUID() }),
    'NOT_FOUND',
    'ok',
    'FORBIDDEN',
    'FORBIDDEN',
  ),
  mutation(
    'sendSystemMessage',
    '{ message { threadId } }',
    (scene) => ({ ...ofThread(scene), body: 'Hi', clientMessageId: randomUUID() }),
    'NOT_FOUND',
    'FORBIDDEN',
    'ok',
    'FORBIDDEN',
  ),
  mutation(
    'editMessage',
    '{ message { threadId } }',
    ({ annsMessage }) => ({ messageId: annsMessage, body: 'Other' }),
    'NOT_FOUND',
    'ok',
    'FORBIDDEN',
    'FORBIDDEN',
  ),
  mutation(
    'deleteMessage',
    '{ message { threadId } }',
    ({ annsMessage }) => ({ messageId: annsMessage }),
    'NOT_FOUND',
    'ok',
    'FORBIDDEN',
    'ok',
  ),
  mutation(
    'markMessageRead',
    '{ thread { id } }',
    ({ bensMessage }) => ({ messageId: bensMessage }),
    'NOT_FOUND',
    'ok',
    'FORBIDDEN',
    'FORBIDDEN',
  ),
  mutation(
    'markThreadRead',
    '{ thread { id } }',
    ofThread,
    'NOT_FOUND',
    'ok',
    'FORBIDDEN',
    'FORBIDDEN',
  ),
  mutation(
    'markDelivered',
    '{ threads { id } }',
    ({ threadId }) => ({ threads: [{ threadId, upToSequence: 2 }] }),
    'NOT_FOUND',
    'ok',
    'FORBIDDEN',
    'FORBIDDEN',
  ),
  mutation(
    'setTyping',
    '{ threadId }',
    (scene) => ({ ...ofThread(scene), isTyping: true }),
    'NOT_FOUND',
    'ok',
    'FORBIDDEN',
    'FORBIDDEN',
  ),
  mutation(
    'upsertUsers',
    '{ users { id } }',
    () => ({ users: [{ id: 'ann', displayName: 'Ann' }] }),
    'FORBIDDEN',
    'FORBIDDEN',
    'nothing',
    'FORBIDDEN',
  ),
  mutation(
    'markNotificationsRead',
    '{ viewer { cursor } }',
    () => ({}),
    'nothing',
    'nothing',
    'FORBIDDEN',
    'nothing',
  ),
  mutation(
    'updateNotificationPreferences',
    '{ viewer { cursor } }',
    () => ({}),
    'nothing',
    'nothing',
    'FORBIDDEN',
    'nothing',
  ),

  subscription(
    'notificationAdded',
    'subscription ($after: String) { notificationAdded(after: $after) { notification { threadId } } }',
    ({ threadId }) => send(ben(), threadId),
    'nothing',
    'ok',
    'FORBIDDEN',
    'nothing',
  ),
  subscription(
    'inboxEvents',
    'subscription ($after: String) { inboxEvents(after: $after) { __typename ... on MessageAdded { thread { id } } } }',
    ({ threadId }) => send(ben(), threadId),
    'nothing',
    'ok',
    'FORBIDDEN',
    'nothing',
  ),
  subscription(
    'messageAdded',
    'subscription ($threadId: ID!, $after: String) { messageAdded(threadId: $threadId, after: $after) { thread { id } } }',
    ({ threadId }) => send(ben(), threadId),
    'NOT_FOUND',
    'ok',
    'FORBIDDEN',
    'nothing',
  ),
  subscription(
    'messageUpdated',
    'subscription ($threadId: ID!, $after: String) { messageUpdated(threadId: $threadId, after: $after) { message { threadId } } }',
    ({ bensMessage }) => byBen('deleteMessage', { messageId: bensMessage }),
    'NOT_FOUND',
    'ok',
    'FORBIDDEN',
    'nothing',
  ),
  subscription(
    'messageRead',
    'subscription ($threadId: ID!, $after: String) { messageRead(threadId: $threadId, after: $after) { thread { id } } }',
    ({ threadId }) => markRead(ben(), threadId),
    'NOT_FOUND',
    'ok',
    'FORBIDDEN',
    'nothing',
  ),
  subscription(
    'threadUpdated',
    'subscription ($threadId: ID!, $after: String) { threadUpdated(threadId: $threadId, after: $after) { thread { id } } }',
    ({ threadId }) => byBen('updateThreadStatus', { threadId, status: 'ARCHIVED' }),
    'NOT_FOUND',
    'ok',
    'FORBIDDEN',
    'nothing',
  ),
  subscription(
    'typingChanged',
    'subscription ($threadId: ID!) { typingChanged(threadId: $threadId) { threadId } }',
    undefined,
    'NOT_FOUND',
    'ok',
    'FORBIDDEN',
    'FORBIDDEN',
  ),
  subscription(
    'presenceChanged',
    'subscription { presenceChanged { isOnline } }',
    undefined,
    'nothing',
    'nothing',
    'FORBIDDEN',
    'nothing',
  ),
]);

describe('every operation', () => {
  const sockets = new Map<string, SocketClient>();

  beforeAll(async () => {
    app = await startApp({ NOTIFIER: 'true' });
    for (const [caller, { sub, claims }] of Object.entries(CALLERS))
      sockets.set(caller, await app.socket(sub, claims));
  });
  afterAll(() => app.stop());

  const operations = (): string[] => {
    const { schema } = app.get(GraphQLSchemaHost);
    return [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].flatMap(
      (type) => Object.keys(type?.getFields() ?? {}),
    );
  };

  /** A thread of ann and ben, with cat as a companion and a message of each of the two. */
  async function setScene(): Promise<Scene> {
    const { id: threadId } = await openThread(app, { trip: randomUUID() });
    const input = { threadId, userId: 'cat', role: 'MEMBER' };
    await app
      .as('platform', PLATFORM)
      .run(
        'mutation ($input: AddParticipantInput!) { addParticipant(input: $input) { thread { id } } }',
        { input },
      );
    const { id: annsMessage } = await send(app.as('ann'), threadId);
    const { id: bensMessage } = await send(ben(), threadId);
    return { threadId, annsMessage, bensMessage, trip: randomUUID() };
  }

  const variablesOf = ({ input, variables }: Row, scene: Scene): unknown =>
    input === undefined ? variables?.(scene) : { input: input(scene) };
  const shows = (data: unknown, { threadId, trip }: Scene): boolean =>
    JSON.stringify(data).includes(threadId) || JSON.stringify(data).includes(trip);

  async function overHttp(caller: Caller, row: Row): Promise<string> {
    const scene = await setScene();
    const { sub, claims } = CALLERS[caller];
    const { data, errors } = await app.as(sub, claims).send(row.operation, variablesOf(row, scene));
    return errors?.[0]?.extensions.code ?? (isShown(data, scene) ? 'ok' : 'nothing');
  }

  /** A thread that has just been opened has an id that nobody can know before. */
  const isShown = (data: any, scene: Scene): boolean =>
    shows(data, scene) || data?.openThread?.thread.id !== undefined;

  async function overSocket(caller: Caller, row: Row): Promise<string> {
    const scene = await setScene();
    if (!row.operation.startsWith('subscription')) {
      const running = sockets.get(caller)!.start(row.operation, variablesOf(row, scene));
      return outcomeOf(await running.frame(), scene);
    }
    const waits = expectedOf(row, caller) !== 'nothing';
    const running = await subscribe(caller, row, scene);
    if (row.trigger !== undefined) {
      const witness = await subscribe('somebody in the thread', row, scene);
      await row.trigger(scene);
      expect(await outcomeOfEvents(witness, scene, true)).toBe('ok');
    }
    if (!waits) await somethingOfTheirOwn(caller);
    return outcomeOfEvents(running, scene, waits);
  }

  const cursorOf = async (caller: Caller): Promise<string> =>
    (await sockets.get(caller)!.run('{ viewer { cursor } }')).viewer.cursor;

  /** From a cursor on, so that it makes no difference when it begins to run. */
  const subscribe = async (caller: Caller, row: Row, scene: Scene): Promise<Subscription> =>
    sockets
      .get(caller)!
      .start(row.operation, { ...row.variables?.(scene), after: await cursorOf(caller) });

  /** Waits for the last event of their journal, which whatever is told to them by mistake comes before. */
  async function somethingOfTheirOwn(caller: Caller): Promise<void> {
    const events = sockets
      .get(caller)!
      .start(
        'subscription ($after: String) { inboxEvents(after: $after) { ... on ThreadUpdated { thread { id } } } }',
        { after: await cursorOf(caller) },
      );
    const { id } = await openThread(app, {
      tourist: CALLERS[caller].sub,
      guide: 'gus',
      trip: randomUUID(),
    });
    while ((await events.next()).inboxEvents.thread?.id !== id);
    events.stop();
  }

  /** @param waits until there is more to say than nothing; else what has come is all */
  async function outcomeOfEvents(
    running: Subscription,
    scene: Scene,
    waits: boolean,
  ): Promise<string> {
    let outcome = 'nothing';
    while (outcome === 'nothing' && (waits || running.pending.length > 0)) {
      const frame = await running.frame();
      // A refusal ends a subscription: it is no event.
      expect(frame.type === 'next' ? frame.payload.errors : undefined).toBeUndefined();
      outcome = outcomeOf(frame, scene);
    }
    running.stop();
    return outcome;
  }
  const outcomeOf = (frame: { type: string; payload?: any }, scene: Scene): string => {
    const errors = frame.type === 'error' ? frame.payload : frame.payload?.errors;
    return errors?.[0].extensions.code ?? (isShown(frame.payload?.data, scene) ? 'ok' : 'nothing');
  };
  const expectedOf = (row: Row, caller: string): Outcome =>
    row.expected[Object.keys(CALLERS).indexOf(caller)]!;
  it('has a row in this matrix', () => {
    expect(operations().length).toBeGreaterThan(20);
    expect(operations().filter((name) => !ROWS.has(name))).toEqual([]);
  });

  it.each([...ROWS].filter(([, row]) => !row.operation.startsWith('subscription')))(
    '%s gives everybody what is theirs, over HTTP and the socket',
    async (_name, row) => {
      for (const caller of Object.keys(CALLERS) as Caller[]) {
        expect([caller, 'HTTP', await overHttp(caller, row)]).toEqual([
          caller,
          'HTTP',
          expectedOf(row, caller),
        ]);
        expect([caller, 'socket', await overSocket(caller, row)]).toEqual([
          caller,
          'socket',
          expectedOf(row, caller),
        ]);
      }
    },
  );

  it.each([...ROWS].filter(([, row]) => row.operation.startsWith('subscription')))(
    '%s tells everybody what is theirs',
    async (_name, row) => {
      for (const caller of Object.keys(CALLERS) as Caller[])
        expect([caller, await overSocket(caller, row)]).toEqual([caller, expectedOf(row, caller)]);
    },
  );

  it('is refused over HTTP without a token, with an expired one and with a forged one', async () => {
    const scene = await setScene();
    const tokens = [
      null,
      await signToken('ann', { exp: 1 }),
      await signToken('ann', {}, 'another secret, also of 32 bytes'),
    ];
    for (const [name, row] of ROWS) {
      if (row.operation.startsWith('subscription')) continue;
      for (const token of tokens) {
        const client = new HttpClient(`${app.url}/graphql`, () => token);
        const { errors, data } = await client.send(row.operation, variablesOf(row, scene));
        expect([name, errors?.[0]?.extensions.code, shows(data ?? null, scene)]).toEqual([
          name,
          'UNAUTHENTICATED',
          false,
        ]);
      }
    }
  });

  it('is refused over a socket without a good token, for the socket does not open', async () => {
    for (const token of [undefined, await signToken('ann', { exp: 1 })]) {
      const socket = await SocketClient.connect(`${app.url}/graphql`);
      socket.send({
        type: 'connection_init',
        payload: token === undefined ? {} : { authorization: `Bearer ${token}` },
      });
      expect((await socket.closed).code).toBe(4403);
    }
  });
});
