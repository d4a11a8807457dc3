import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Client } from 'pg';
import type { TestApp } from './support/app.js';
import { startApp } from './support/app.js';
import { openThread, send } from './support/seeds.js';

const SEND =
  'mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }';
const OPEN = 'mutation ($input: OpenThreadInput!) { openThread(input: $input) { thread { id } } }';
const STATUS =
  'mutation ($input: UpdateThreadStatusInput!) { updateThreadStatus(input: $input) { thread { id } } }';
const MUTE = 'mutation ($input: MuteThreadInput!) { muteThread(input: $input) { thread { id } } }';
const THREAD = 'query ($id: ID!) { thread(id: $id) { id } }';
const HISTORY =
  'query ($id: ID!, $first: Int, $after: String) { thread(id: $id) { messages(first: $first, after: $after) { nodes { id } } } }';

describe('bad input', () => {
  let app: TestApp;
  let mine: string;
  let foreign: string;
  let foreignMessage: string;
  let database: Client;

  beforeAll(async () => {
    app = await startApp();
    ({ id: mine } = await openThread(app));
    ({ id: foreign } = await openThread(app, { tourist: 'carl', guide: 'dora' }));
    ({ id: foreignMessage } = await send(app.as('carl'), foreign));
    await send(app.as('ann'), mine);
    database = new Client({ connectionString: app.databaseUrl });
    await database.connect();
  });
  afterAll(async () => {
    await database.end();
    await app.stop();
  });

  const countRows = async (): Promise<unknown> =>
    (
      await database.query(
        `SELECT (SELECT count(*) FROM messages) AS messages, (SELECT count(*) FROM threads) AS threads,
           (SELECT count(*) FROM inbox_entries) AS entries, (SELECT count(*) FROM users) AS users`,
      )
    ).rows[0];

  const message = (changes: object): object => ({
    input: { threadId: mine, body: 'Hello', clientMessageId: crypto.randomUUID(), ...changes },
  });

  // The same send, unspoilt, is a success: a refusal below is for the reason that its name says.
  it('would be accepted, were it good', async () => {
    await app.as('ann').run(SEND, message({}));
  });

  describe.each<[string, () => [string, object], string]>([
    ['an unknown thread', () => [SEND, message({ threadId: crypto.randomUUID() })], 'NOT_FOUND'],
    ['a foreign thread', () => [SEND, message({ threadId: foreign })], 'NOT_FOUND'],
    [
      'a thread id that is no UUID',
      () => [SEND, message({ threadId: 'thread-1' })],
      'BAD_USER_INPUT',
    ],
    ['an empty thread id', () => [SEND, message({ threadId: '' })], 'BAD_USER_INPUT'],
    ['an empty body', () => [SEND, message({ body: '' })], 'BAD_USER_INPUT'],
    ['no body', () => [SEND, message({ body: null })], 'BAD_USER_INPUT'],
    [
      'a body of white space',
      () => [SEND, message({ body: ' \n\t\u00a0\u2003' })],
      'BAD_USER_INPUT',
    ],
    [
      'a body of invisible characters',
      () => [SEND, message({ body: '\u200b\u200d\u2060\u3164\u2800\u{E0001}' })],
      'BAD_USER_INPUT',
    ],
    [
      'a body of 4,001 characters',
      () => [SEND, message({ body: 'x'.repeat(4_001) })],
      'MESSAGE_TOO_LONG',
    ],
    [
      'a body of 4,001 emoji',
      () => [SEND, message({ body: '\u{1F600}'.repeat(4_001) })],
      'MESSAGE_TOO_LONG',
    ],
    ['a body with NUL', () => [SEND, message({ body: 'a\0b' })], 'BAD_USER_INPUT'],
    ['a body with a lone surrogate', () => [SEND, message({ body: 'a\ud800b' })], 'BAD_USER_INPUT'],
    ['an empty clientMessageId', () => [SEND, message({ clientMessageId: '' })], 'BAD_USER_INPUT'],
    [
      'a clientMessageId of 65 characters',
      () => [SEND, message({ clientMessageId: 'x'.repeat(65) })],
      'BAD_USER_INPUT',
    ],
    [
      'a clientMessageId of 65 characters, one of which only changes the look of another',
      () => [SEND, message({ clientMessageId: `${'x'.repeat(64)}\ufe0f` })],
      'BAD_USER_INPUT',
    ],
    [
      'a reason of 501 characters, one of which only changes the look of another',
      () => [
        STATUS,
        { input: { threadId: mine, status: 'ARCHIVED', reason: `${'x'.repeat(500)}\ufe0f` } },
      ],
      'BAD_USER_INPUT',
    ],
    [
      'a clientMessageId with NUL',
      () => [SEND, message({ clientMessageId: 'a\0' })],
      'BAD_USER_INPUT',
    ],
    ['an unknown message type', () => [SEND, message({ messageType: 'VIDEO' })], 'BAD_USER_INPUT'],
    [
      'a SYSTEM message of a person',
      () => [SEND, message({ messageType: 'SYSTEM' })],
      'BAD_USER_INPUT',
    ],
    [
      'a LOCATION without a place',
      () => [SEND, message({ messageType: 'LOCATION' })],
      'BAD_USER_INPUT',
    ],
    [
      'a place beyond the pole',
      () => [
        SEND,
        message({ messageType: 'LOCATION', location: { latitude: 90.1, longitude: 0 } }),
      ],
      'BAD_USER_INPUT',
    ],
    [
      'an IMAGE by javascript',
      () => [SEND, message({ messageType: 'IMAGE', body: 'javascript:alert(1)' })],
      'BAD_USER_INPUT',
    ],
    [
      'an IMAGE by http',
      () => [SEND, message({ messageType: 'IMAGE', body: 'http://pictures.example/1.png' })],
      'BAD_USER_INPUT',
    ],
    [
      'an IMAGE of a host by any scheme',
      () => [SEND, message({ messageType: 'IMAGE', body: '//pictures.example/1.png' })],
      'BAD_USER_INPUT',
    ],
    [
      'an IMAGE of a host in the letters of Windows',
      () => [SEND, message({ messageType: 'IMAGE', body: '/\\pictures.example\\1.png' })],
      'BAD_USER_INPUT',
    ],
    [
      'a FILE with white space',
      () => [SEND, message({ messageType: 'FILE', body: 'file 1' })],
      'BAD_USER_INPUT',
    ],
    [
      'a FILE of 2,049 characters',
      () => [SEND, message({ messageType: 'FILE', body: 'x'.repeat(2_049) })],
      'MESSAGE_TOO_LONG',
    ],
    [
      'a reply to a message of another thread',
      () => [SEND, message({ replyToMessageId: foreignMessage })],
      'NOT_FOUND',
    ],
    ['a number as body', () => [SEND, message({ body: 5 })], 'BAD_USER_INPUT'],
    ['an unknown field', () => [SEND, message({ senderUserId: 'ben' })], 'BAD_USER_INPUT'],
    ['no input at all', () => [SEND, {}], 'BAD_USER_INPUT'],
    ['a foreign thread to read', () => [THREAD, { id: foreign }], 'NOT_FOUND'],
    ['an unknown thread to read', () => [THREAD, { id: crypto.randomUUID() }], 'NOT_FOUND'],
    [
      'an id with a quote and SQL',
      () => [THREAD, { id: `'; DROP TABLE users; --` }],
      'BAD_USER_INPUT',
    ],
    [
      'a foreign message to read',
      () => ['query ($id: ID!) { message(id: $id) { id } }', { id: foreignMessage }],
      'NOT_FOUND',
    ],
    [
      'the messages of a foreign thread',
      () => [
        'query ($id: ID!) { messages(filter: { threadId: $id }) { nodes { id } } }',
        { id: foreign },
      ],
      'NOT_FOUND',
    ],
    [
      'a thread with oneself',
      () => [OPEN, { input: { touristId: 'ann', guideId: 'ann' } }],
      'BAD_USER_INPUT',
    ],
    [
      'a thread of two others',
      () => [OPEN, { input: { touristId: 'carl', guideId: 'dora' } }],
      'FORBIDDEN',
    ],
    [
      'a user id of 65 characters',
      () => [OPEN, { input: { touristId: 'ann', guideId: 'x'.repeat(65) } }],
      'BAD_USER_INPUT',
    ],
    [
      'a user id with NUL',
      () => [OPEN, { input: { touristId: 'ann', guideId: 'b\0' } }],
      'BAD_USER_INPUT',
    ],
    [
      'a blank trip id',
      () => [OPEN, { input: { touristId: 'ann', guideId: 'ben', tripId: ' ' } }],
      'BAD_USER_INPUT',
    ],
    [
      'a mute until an hour that RFC 3339 does not have',
      () => [MUTE, { input: { threadId: mine, until: '2036-03-11T24:00:00Z' } }],
      'BAD_USER_INPUT',
    ],
    ['a page of -1', () => [HISTORY, { id: mine, first: -1 }], 'BAD_USER_INPUT'],
    ['a page of 101', () => [HISTORY, { id: mine, first: 101 }], 'BAD_USER_INPUT'],
    [
      'a page cursor of nonsense',
      () => [HISTORY, { id: mine, after: 'nonsense' }],
      'BAD_USER_INPUT',
    ],
    ['a page size beyond 32 bits', () => [HISTORY, { id: mine, first: 2 ** 40 }], 'BAD_USER_INPUT'],
    ['a document that is no GraphQL', () => ['{', {}], 'GRAPHQL_PARSE_FAILED'],
    ['a field that does not exist', () => ['{ nonsense }', {}], 'GRAPHQL_VALIDATION_FAILED'],
  ])('%s', (_, operation, code) => {
    it.each(['HTTP', 'WebSocket'])(`is ${code} over %s, and stores nothing`, async (transport) => {
      const before = await countRows();
      const [query, variables] = operation();
      const refusal =
        transport === 'HTTP'
          ? await app.as('ann').refusal(query, variables)
          : await (await app.socket('ann')).start(query, variables).refusal();
      expect(refusal).toBe(code);
      expect(await countRows()).toEqual(before);
    });
  });

  it('answers what is foreign exactly as what does not exist', async () => {
    const ask = async (id: string): Promise<string> =>
      (await app.as('ann').send(THREAD, { id })).text;
    expect(await ask(foreign)).toBe(await ask(crypto.randomUUID()));
  });

  it('is told the limit of a body', async () => {
    const { errors } = await app.as('ann').send(SEND, message({ body: 'x'.repeat(4_001) }));
    expect(errors?.[0]?.extensions).toEqual({ code: 'MESSAGE_TOO_LONG', limit: 4_000 });
  });

  it('is not repeated at length, whatever is wrong with it', async () => {
    const strange = Object.fromEntries(Array.from({ length: 40 }, (_, place) => [`f${place}`, 1]));
    const { errors, text } = await app
      .as('ann')
      .send(SEND, message({ body: 'x'.repeat(100_000), ...strange }));
    expect(errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT' });
    expect(text.length).toBeLessThan(100_000);
  });

  it('is not kept, however many documents of however much text there are', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const ask = async (count: number): Promise<number> => {
      for (let place = 0; place < count; place++)
        await app.as('ann').run(`{ __typename } # ${crypto.randomUUID()} ${'y'.repeat(900_000)}`);
      collect();
      return process.memoryUsage().heapUsed;
    };
    const before = await ask(5);
    // One that was kept was 900,000 bytes.
    expect((await ask(30)) - before).toBeLessThan(30 * 450_000);
  });

  it('does not include 4,000 characters of any kind', async () => {
    await app.as('ann').run(SEND, message({ body: '\u{1F600}'.repeat(4_000) }));
  });

  it('is another content under a known clientMessageId, which is CONFLICT', async () => {
    await send(app.as('ann'), mine, 'One thing', 'known');
    expect(
      await app.as('ann').refusal(SEND, message({ body: 'Another', clientMessageId: 'known' })),
    ).toBe('CONFLICT');
    const other = await openThread(app, { trip: 'other' });
    expect(
      await app
        .as('ann')
        .refusal(
          SEND,
          message({ threadId: other.id, body: 'One thing', clientMessageId: 'known' }),
        ),
    ).toBe('CONFLICT');
  });
});
