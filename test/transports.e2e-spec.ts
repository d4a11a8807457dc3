import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { TestApp } from './support/app.js';
import { startApp } from './support/app.js';
import type { ClientError } from './support/http-client.js';
import { openThread, send } from './support/seeds.js';
import type { SocketClient } from './support/socket-client.js';

const nested = (depth: number): string =>
  `{ threads { nodes { ${'lastMessage { thread { '.repeat(depth)} id ${'} } '.repeat(depth)} } } }`;

/** Fragments of which each spreads the next one twice: written out, the last of them stands there 2^count times. */
const bomb = (start: string, type: string, count: number, end: string): string =>
  `{ ${start} } ${Array.from(
    { length: count },
    (_, at) => `fragment F${at} on ${type} { ...F${at + 1} ...F${at + 1} }`,
  ).join(' ')} fragment F${count} on ${type} { ${end} }`;

const SILENT = { log: () => undefined, warn: () => undefined, error: () => undefined };

/** Documents that a rule refuses, and what they ask; each is posted on both transports. */
const REFUSED: [string, unknown, Record<string, unknown>?, string?][] = [
  ['a syntax error', '{ viewer { cursor }'],
  ['an empty document', ''],
  ['a document of more than 2,000 tokens', `{ ${'__typename '.repeat(2_001)} }`],
  ['an unknown field', '{ viewer { password } }'],
  ['an unknown argument', '{ threads(offset: 5) { nodes { id } } }'],
  ['a missing selection', '{ viewer }'],
  ...['@skip(if: $s)', '@include(if: $s)', '@skip(if: true)', '@skip', '@skip(if: 1)'].flatMap(
    (directive): [string, string, Record<string, unknown>][] => [
      [
        `a subscription ${directive}`,
        `subscription ($s: Boolean!) { presenceChanged ${directive} { isOnline } }`,
        { s: true },
      ],
      [
        `a subscription by a fragment ${directive}`,
        `subscription ($s: Boolean!) { ...F } fragment F on Subscription { ... ${directive} { presenceChanged { isOnline } } }`,
        { s: true },
      ],
    ],
  ),
  ['two anonymous operations', '{ viewer { cursor } } { viewer { cursor } }'],
  ['an operation that is not there', 'query A { viewer { cursor } }', {}, 'B'],
  ['two operations and no name', 'query A { viewer { cursor } } query B { viewer { cursor } }'],
  ['a document of fragments alone', 'fragment F on Viewer { cursor }'],
  [
    'a circle of fragments',
    '{ viewer { ...F } } fragment F on Viewer { ...G } fragment G on Viewer { ...F }',
  ],
  ['a nesting too deep', nested(6)],
  [
    'more than 30 aliases',
    `{ ${Array.from({ length: 31 }, (_, at) => `a${at}: __typename viewer${at}: viewer { cursor }`).join(' ')} }`,
  ],
  ['more than 500 fields', `{ viewer { ${'unreadMessageCount '.repeat(501)} } }`],
  [
    'a bomb of fragments',
    `{ viewer { ...F0 } } ${Array.from({ length: 12 }, (_, at) => `fragment F${at} on Viewer { user { id } ${at < 11 ? `...F${at + 1} ...F${at + 1}` : 'cursor'} }`).join(' ')}`,
  ],
  // With more of them, whoever walks to the end of one never comes back.
  ...[12, 40, 150].flatMap((count): [string, string][] => [
    [`a bomb of ${count} fragments without a field`, bomb('...F0', 'Query', count, '__typename')],
    [
      `a bomb of ${count} fragments that asks for a cursor`,
      bomb('viewer { ...F0 }', 'Viewer', count, 'cursor'),
    ],
  ]),
  [
    '100 threads of 100 messages',
    '{ threads(first: 100) { nodes { messages(first: 100) { nodes { body sender { id } } } } } }',
  ],
  [
    'the same by a variable',
    'query ($n: Int) { threads(first: $n) { nodes { messages(first: $n) { nodes { body sender { id } } } } } }',
    { n: 100 },
  ],
  [
    'the same by variables that are not given',
    'query ($n: Int = 100, $m: Int! = 100) { threads(first: $n) { nodes { messages(last: $m) { nodes { body } } } } }',
  ],
  ['introspection', '{ __schema { types { name } } }'],
  ['introspection of one type', '{ __type(name: "Viewer") { name } }'],
  ['a variable of a wrong type', 'query ($id: ID!) { thread(id: $id) { id } }', { id: { a: 1 } }],
  ['a variable that is missing', 'query ($id: ID!) { thread(id: $id) { id } }'],
  ['a literal of a wrong type', '{ threads(first: "five") { nodes { id } } }'],
  ['a page size that is not allowed', '{ threads(first: 101) { nodes { id } } }'],
  ['an id that is no UUID', '{ thread(id: "abc") { id } }'],
  ['a thread that is not there', '{ thread(id: "0193a7a0-0000-7000-8000-000000000000") { id } }'],
  [
    'a mutation of nothing that is there',
    'mutation { deleteMessage(input: { messageId: "0193a7a0-0000-7000-8000-000000000000" }) { message { id } } }',
  ],
  [
    'a DateTime without an offset',
    'mutation { muteThread(input: { threadId: "0193a7a0-0000-7000-8000-000000000000", until: "2026-03-11T14:35:00" }) { thread { id } } }',
  ],
  [
    'a day that does not exist',
    'mutation ($until: DateTime) { muteThread(input: { threadId: "0193a7a0-0000-7000-8000-000000000000", until: $until }) { thread { id } } }',
    { until: '2026-02-30T00:00:00Z' },
  ],
  [
    'an unknown field of an input',
    'mutation ($i: OpenThreadInput!) { openThread(input: $i) { created } }',
    { i: { touristId: 'ann', guideId: 'ben', roles: ['admin'] } },
  ],
  ['a cursor of another list', '{ threads(after: "c2VxdWVuY2U6MQ") { nodes { id } } }'],
  [
    'what only a service may',
    'mutation { upsertUsers(input: { users: [{ id: "ben" }] }) { users { id } } }',
  ],
];

const HUNDRED = Array.from({ length: 100 }, () => ({ threadId: '', upToSequence: 1 }));

describe('HTTP and WebSocket', () => {
  let app: TestApp;
  let socket: SocketClient;
  let threadId: string;

  beforeAll(async () => {
    app = await startApp({ INTROSPECTION: 'false' });
    ({ id: threadId } = await openThread(app));
  });
  beforeEach(async () => {
    socket = await app.socket('ann');
  });
  afterEach(() => socket.close());
  afterAll(() => app.stop());

  const withoutCorrelation = (errors: readonly ClientError[] | undefined): unknown =>
    errors?.map(({ extensions: { correlationId: _, ...extensions }, ...error }) => ({
      ...error,
      extensions,
    }));

  it.each(REFUSED.map(([what, ...asked]) => ({ what, asked })))(
    'refuse $what in the same words',
    async ({ asked }) => {
      const [query, variables, operationName] = asked;
      const overHttp = (await app.as('ann').send(query, variables, operationName)).errors;
      const overSocket = await socket.start(query, variables, operationName).errors();
      expect(overHttp?.[0]?.extensions.code).toBeDefined();
      expect(overHttp?.[0]?.extensions.code).not.toBe('INTERNAL_SERVER_ERROR');
      expect(withoutCorrelation(overSocket)).toEqual(withoutCorrelation(overHttp));
      // A refused operation ends itself, never the socket.
      expect((await socket.run('{ __typename }')).__typename).toBe('Query');
    },
  );

  it('write a line to the debug log of what they refuse', async () => {
    const lines: { transport: string; viewer: string; codes: string[] }[] = [];
    Logger.overrideLogger(['debug']);
    Logger.overrideLogger({ ...SILENT, debug: (line) => void lines.push(line) });
    try {
      for (const query of ['{ viewer { cursor }', '{ viewer { password } }', nested(6)]) {
        await app.as('ann').send(query);
        await socket.start(query).errors();
      }
    } finally {
      Logger.overrideLogger(['fatal']);
    }
    expect(lines.map(({ transport, viewer, codes }) => [transport, viewer, ...codes])).toEqual(
      ['GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED', 'QUERY_TOO_COMPLEX'].flatMap((code) => [
        ['http', 'ann', code],
        ['ws', 'ann', code],
      ]),
    );
  });

  const all = 'threads { messages { nodes { body sender { id } } } }';
  it.each<[string, string]>([
    ['a variable', `($i: MarkDeliveredInput!) { markDelivered(input: $i) { ${all} } }`],
    [
      'a list of its own',
      `($t: [DeliveredPositionInput!]!) { markDelivered(input: { threads: $t }) { ${all} } }`,
    ],
    [
      'a variable, read by a fragment',
      `($i: MarkDeliveredInput = { threads: [] }) { markDelivered(input: $i) { ...P } }
      fragment P on MarkDeliveredPayload { ${all} }`,
    ],
    [
      'a literal',
      `{ markDelivered(input: { threads: [${'{ threadId: "", upToSequence: 1 } '.repeat(100)}] }) { ${all} } }`,
    ],
  ])('weigh the answer to a mutation by the length of %s', async (_name, text) => {
    const variables = text.includes('$t') ? { t: HUNDRED } : { i: { threads: HUNDRED } };
    const asked = [`mutation ${text}`, text.includes('$') ? variables : {}] as const;
    expect(await app.as('ann').refusal(...asked)).toBe('QUERY_TOO_COMPLEX');
    expect(await socket.start(...asked).refusal()).toBe('QUERY_TOO_COMPLEX');
  });

  it('repeat no alias of more than 200 characters, wherever it stands', async () => {
    for (const document of [
      '{ ALIAS: __typename }',
      '{ viewer { ALIAS: unreadMessageCount } }',
      '{ viewer { ...F } } fragment F on Viewer { user { ALIAS: id } }',
    ]) {
      const asked = (length: number): string => document.replace('ALIAS', 'a'.repeat(length));
      expect(await socket.run(asked(200))).toEqual(await app.as('ann').run(asked(200)));
      const { errors } = await app.as('ann').send(asked(201));
      expect(errors?.[0]?.extensions).toEqual({
        code: 'QUERY_TOO_COMPLEX',
        limit: { aliasLength: 200 },
      });
      expect(await socket.start(asked(201)).errors()).toEqual(errors);
    }
  });

  const status =
    'mutation ($i: UpdateThreadStatusInput!) { updateThreadStatus(input: $i) { thread { id } } }';
  it.each<[string, object]>([
    ['{ viewr { cursor } }', {}],
    ['{ viewer { curser } }', {}],
    ['{ threads(frst: 1) { nodes { id } } }', {}],
    [status, { i: { treadId: '', status: 'ACTIVE' } }],
    [status, { i: { threadId: '', status: 'ACTIV' } }],
  ])('suggest no names where they may not be asked for: %s %j', async (query, variables) => {
    for (let use = 0; use < 4; use++) {
      const { errors } = await app.as('ann').send(query, variables);
      expect(JSON.stringify(errors)).not.toMatch(/did you mean/i);
      expect(await socket.start(query, variables).errors()).toEqual(errors);
    }
  });

  it('answer the same to what is allowed', async () => {
    const query = `query ($id: ID!) {
      viewer { user { id } unreadMessageCount cursor }
      thread(id: $id) { id status participants { user { id } } messages(first: 5) { nodes { body } } }
    }`;
    const overHttp = await app.as('ann').run(query, { id: threadId });
    expect(await socket.run(query, { id: threadId })).toEqual(overHttp);
  });

  it('answer the same to fragments that are spread again and again, also when they are known', async () => {
    const query = bomb('viewer { ...F0 }', 'Viewer', 7, 'user { id }');
    for (let use = 0; use < 4; use++) {
      expect(await app.as('ann').run(query)).toEqual({ viewer: { user: { id: 'ann' } } });
      expect(await socket.run(query)).toEqual({ viewer: { user: { id: 'ann' } } });
    }
  });

  it('let the same be introspected where it is allowed', async () => {
    const open = await startApp({ INTROSPECTION: 'true' });
    const query = '{ __type(name: "Viewer") { name } }';
    expect((await open.as('ann').run(query)).__type.name).toBe('Viewer');
    const other = await open.socket('ann');
    expect((await other.run(query)).__type.name).toBe('Viewer');
    for (const count of [12, 40]) {
      const large = bomb('__type(name: "Viewer") { ...F0 }', '__Type', count, 'name');
      expect(await open.as('ann').refusal(large)).toBe('QUERY_TOO_COMPLEX');
      expect(await other.start(large).refusal()).toBe('QUERY_TOO_COMPLEX');
    }
    const long = `{ __type(name: "Viewer") { ${'a'.repeat(201)}: name } }`;
    expect(await open.as('ann').refusal(long)).toBe('QUERY_TOO_COMPLEX');
    await open.stop();
  });

  it('tell a subscription over HTTP, however often it is asked, that it is for a WebSocket', async () => {
    const query = 'subscription { messageAdded { message { id } } }';
    const running = Array.from({ length: 4 }, () => socket.start(query));
    const { id } = await openThread(app);
    for (let count = 0; count < 4; count++) {
      await send(app.as('ben'), id);
      for (const stream of running) await stream.next();
      const { status, errors } = await app.as('ann').send(query);
      expect([status, errors?.[0]?.extensions.code]).toEqual([200, 'BAD_USER_INPUT']);
      expect(errors?.[0]?.message).toContain('WebSocket');
    }
  });
});
