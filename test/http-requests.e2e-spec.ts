import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Client } from 'pg';
import type { TestApp } from './support/app.js';
import { startApp, until } from './support/app.js';
import { lockWaiters } from './support/lock-waiters.js';
import { RawConnection, rawRequest } from './support/raw-http.js';
import { openThread } from './support/seeds.js';

const SEND = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { body } } }`;

let app: TestApp;
let threadId: string;
beforeAll(async () => {
  app = await startApp();
  ({ id: threadId } = await openThread(app));
});
afterAll(() => app.stop());

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
}

/** What comes back for these bytes, as they are. */
async function post(
  body: Buffer,
  headers: Readonly<Record<string, string>> = {},
  path = '/graphql',
): Promise<Answer> {
  const authorization = `Bearer ${await app.token('ann')}`;
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      `${app.url}${path}`,
      {
        method: body.length > 0 || path === '/graphql' ? 'POST' : 'GET',
        headers: {
          'content-type': 'application/json',
          'content-length': body.length,
          authorization,
          ...headers,
        },
      },
      (response) => {
        text(response).then((got) => {
          resolve({ status: response.statusCode, body: got });
        }, reject);
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

const sending = (body: string, clientMessageId: string): string =>
  JSON.stringify({ query: SEND, variables: { input: { threadId, body, clientMessageId } } });

describe('a body', () => {
  it('that is no UTF-8 is refused and not stored, whether the operation is known or not', async () => {
    for (let use = 0; use < 4; use++) {
      const [good, bad] = [sending('café', `good ${use}`), sending('café', `bad ${use}`)];
      const refused = await post(Buffer.from(bad, 'latin1'));
      expect(refused.status).toBe(400);
      expect(JSON.parse(refused.body).errors[0].extensions.code).toBe('BAD_USER_INPUT');
      const { body } = await post(Buffer.from(good));
      expect(JSON.parse(body).data.sendMessage.message.body).toBe('café');
    }
    const { thread } = await app
      .as('ann')
      .run('query ($id: ID!) { thread(id: $id) { lastSequence } }', { id: threadId });
    expect(thread.lastSequence).toBe(4);
  });

  it.each(['', '{', '{"query":', 'query', '{"__proto__":{"query":"{__typename}"}}'])(
    'of %j is refused in the shape of every other error',
    async (body) => {
      const answer = await post(Buffer.from(body));
      expect(answer.status).toBe(400);
      expect(JSON.parse(answer.body)).toEqual({
        errors: [{ message: expect.any(String), extensions: { code: 'BAD_USER_INPUT' } }],
      });
    },
  );

  it.each([
    ['too large', 413, Buffer.alloc(1024 * 1024 + 1, ' '), {}],
    ['of another type', 415, Buffer.from('<query/>'), { 'content-type': 'application/xml' }],
    ['of no type', 415, Buffer.from('{}'), { 'content-type': '' }],
  ])('that is %s is refused so as well, with %i', async (_what, status, body, headers) => {
    const answer = await post(body, headers);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toEqual({
      errors: [{ message: expect.any(String), extensions: { code: 'BAD_USER_INPUT' } }],
    });
  });
});

it('a client that goes in the middle of its body is no fault of the server', async () => {
  const faults: unknown[] = [];
  Logger.overrideLogger({
    log: () => 0,
    warn: () => 0,
    error: (fault: unknown) => faults.push(fault),
  });
  try {
    const headers = { 'content-type': 'application/json', 'content-length': '1000' };
    const connection = await RawConnection.open(app.url);
    const server = app.get(HttpAdapterHost).httpAdapter.getHttpServer() as Server;
    const request = once(server, 'request');
    connection.write(...rawRequest({ headers, body: '{"query":' }));
    const [{ socket }] = (await request) as [IncomingMessage];
    const gone = new Promise((resolve) => socket.once('close', resolve));
    connection.cut();
    await gone;
    expect((await post(Buffer.from('{"query":"{ __typename }"}'))).status).toBe(200);
    expect(faults).toEqual([]);
  } finally {
    Logger.overrideLogger(['fatal']);
  }
});

it('a request that does not come to its end is ended, and nothing that takes as long beside it', async () => {
  const hasty = await startApp({}, { url: app.databaseUrl }, (server) =>
    Object.assign(server, { connectionsCheckingInterval: 20 }),
  );
  const server = hasty.get(HttpAdapterHost).httpAdapter.getHttpServer() as Server;
  const { headersTimeout, requestTimeout } = server;
  /** A minute takes 200 ms from now on, with 300. */
  const hurry = (times: number): unknown =>
    Object.assign(server, {
      headersTimeout: headersTimeout / times,
      requestTimeout: requestTimeout / times,
    });
  const database = new Client({ connectionString: app.databaseUrl });
  await database.connect();
  const connections: RawConnection[] = [];
  const write = async (...pieces: string[]): Promise<RawConnection> => {
    const connection = await RawConnection.open(hasty.url);
    connections.push(connection);
    connection.write(...pieces);
    return connection;
  };
  const look = rawRequest({ method: 'GET', path: '/health/live' });
  const headers = {
    'content-type': 'application/json',
    authorization: `Bearer ${await app.token('ann')}`,
  };
  try {
    const socket = await hasty.socket('ann');
    const idle = await write(...look);
    expect(await idle.answer()).toContain('HTTP/1.1 200 ');
    await database.query('BEGIN');
    await database.query('SELECT FROM threads FOR UPDATE');
    const slow = await write(...rawRequest({ headers, body: sending('Late', 'late') }));
    await until(async () => (await lockWaiters(database)).length > 0, 'the send waits');

    // Only now, so that a slow machine has the minute for what does come to its end.
    hurry(300);
    const chunked = { ...headers, 'transfer-encoding': 'chunked' };
    const [head, body] = rawRequest({ headers, body: sending('Never', 'never') });
    for (const unfinished of [
      await write(head, body.slice(0, -1)),
      await write(...rawRequest({ headers: chunked, body: '1\r\n{\r\n' })),
    ])
      expect(await unfinished.answer()).toMatch(/^HTTP\/1.1 408 /);
    hurry(1);

    await database.query('COMMIT');
    expect(await slow.answer()).toContain('"body":"Late"');
    idle.write(...look);
    expect(await idle.answer()).toContain('HTTP/1.1 200 ');
    expect(await socket.run('{ __typename }')).toEqual({ __typename: 'Query' });
  } finally {
    await database.end();
    for (const connection of connections) connection.cut();
    await hasty.stop();
  }
});

describe('a request that offers another protocol', () => {
  const OFFER = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMA' };

  const long = JSON.stringify({ query: `{ __typename } #${' '.repeat(99_999)}` });

  it.each([
    ['a GET', '/health/live', ''],
    ['a POST', '/graphql', '{"query":"{ viewer { user { id } } }"}'],
    ['a long POST', '/graphql', long],
  ])('is answered as without: %s', async (_what, path, body) => {
    const answer = await post(Buffer.from(body), OFFER, path);
    expect(answer).toEqual(await post(Buffer.from(body), {}, path));
    expect(answer.status).toBe(200);
  });

  it.each(['close, Upgrade', 'Upgrade, Close'])(
    'and the end of its connection, by %j, gets both its answer and the end',
    async (connection) => {
      const answers = await RawConnection.open(app.url);
      const offer = { ...OFFER, connection };
      answers.write(...rawRequest({ method: 'GET', path: '/health/live', headers: offer }));
      expect(await answers.answer()).toMatch(/^HTTP\/1.1 200 [^]*\r\nconnection: close\r\n/i);
      await expect(answers.answer()).rejects.toThrow('The connection ended');
    },
  );
});
