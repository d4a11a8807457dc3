import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { MessageType } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { EmbeddedServer } from '../src/database/embedded-server.js';
import { startEmbeddedServer } from '../src/database/embedded-server.js';
import { applyMigrations } from '../src/database/migrations.js';
import { UnsubscribeLinks } from '../src/notifications/unsubscribe-links.js';
import { connect } from './recipes/graphql-ws.js';
import { keepUp } from './recipes/inbox.js';
import type { TestApp } from './support/app.js';
import { signToken, startApp, until } from './support/app.js';
import { CuttingProxy } from './support/cutting-proxy.js';
import { scratchDirectory } from './support/database.js';
import { openThread, send } from './support/seeds.js';

const VIEWER = '{ viewer { unreadMessageCount } }';

describe('a database that goes away', () => {
  const dataDir = path.join(scratchDirectory(), 'outage');
  let server: EmbeddedServer;
  let port: number;
  let app: TestApp;
  let threadId: string;

  const start = (): Promise<EmbeddedServer> =>
    startEmbeddedServer({ dataDir, settings: { fsync: 'off' }, ...(port ? { port } : {}) });

  beforeAll(async () => {
    Object.assign(globalThis, { WebSocket });
    port = 0;
    server = await start();
    port = Number(new URL(server.url).port);
    await applyMigrations(server.url);
    app = await startApp({}, server);
    ({ id: threadId } = await openThread(app));
  });
  afterAll(async () => {
    await app.stop();
    await server.stop();
  });

  it('is SERVICE_UNAVAILABLE within seconds on both transports, and the app recovers by itself', async () => {
    const ann = app.as('ann');
    const socket = await app.socket('ben');
    const inbox = socket.start(
      'subscription { inboxEvents { ... on MessageAdded { message { body } } } }',
    );
    await inbox.next();
    await ann.run(VIEWER);
    await server.stop();

    const startedAt = performance.now();
    expect(await ann.refusal(VIEWER)).toBe('SERVICE_UNAVAILABLE');
    expect(await socket.start(VIEWER).refusal()).toBe('SERVICE_UNAVAILABLE');
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect((await fetch(`${app.url}/health/ready`)).status).toBe(503);
    expect((await fetch(`${app.url}/health/live`)).status).toBe(200);

    server = await start();
    await until(
      async () => (await fetch(`${app.url}/health/ready`)).status === 200,
      'the app is ready again',
    );
    await send(ann, threadId, 'after the outage');
    expect((await inbox.next()).inboxEvents.message.body).toBe('after the outage');
  }, 60_000);

  it('is told by 503 to whoever ends mails by a link, and is no fault of ours in the log', async () => {
    await server.stop();
    const faultsOf: unknown[] = [];
    const note = (...line: unknown[]): unknown => faultsOf.push(line.at(-1));
    Logger.overrideLogger({ log: () => 0, warn: note, error: note });
    try {
      const link = app.url + app.get(UnsubscribeLinks).linkFor('ann');
      const answer = await fetch(link, { method: 'POST' });
      expect(answer.status).toBe(503);
      expect(await answer.json()).toMatchObject({ statusCode: 503 });
      expect(faultsOf).not.toContain('ExceptionsHandler');
      expect(faultsOf).not.toContain('FastifyAdapter');
    } finally {
      Logger.overrideLogger(['fatal']);
      server = await start();
    }
    await until(
      async () => (await fetch(`${app.url}/health/ready`)).status === 200,
      'the app is ready again',
    );
  }, 60_000);

  it('is waited for by clients that follow docs/protocol.md, also by those that come meanwhile', async () => {
    const proxy = await CuttingProxy.start(app.url);
    const ben = app.as('ben');
    const [got, failures]: [string[], unknown[]] = [[], []];
    let refusals = 0;
    let failedLoads = 0;
    const follow = (): (() => void) => {
      const live = connect(`ws://${proxy.host}/graphql`, () => signToken('ben'));
      live.on('message', ({ type }) => (refusals += type === MessageType.Error ? 1 : 0));
      return keepUp(live, {
        query: `subscription ($after: String) {
          inboxEvents(after: $after) { cursor __typename ... on MessageAdded { message { body } } }
        }`,
        load: async () => {
          const { data, errors } = await ben.send('{ viewer { cursor } }');
          if (errors === undefined) return data.viewer.cursor;
          failedLoads += 1;
          throw Object.assign(new Error('Not loaded.'), { errors });
        },
        apply: ({ __typename, message }) => got.push(message?.body ?? __typename),
        failed: (error) => failures.push(error),
      });
    };
    const stopFirst = follow();
    await until(() => got.includes('InboxReady'), 'the first client follows');
    await server.stop();
    proxy.cut();
    const stopSecond = follow();
    await until(() => refusals > 1 && failedLoads > 1, 'both clients have asked more than once');

    server = await start();
    await until(() => got.length >= 3, 'both clients follow', 30_000);
    await send(app.as('ann'), threadId, 'to both');
    await until(() => got.filter((body) => body === 'to both').length === 2, 'both have it');
    expect(failures).toEqual([]);
    stopFirst();
    stopSecond();
    await proxy.stop();
  }, 60_000);

  it('that swallows what it is told is asked once, also about a person whose name has changed', async () => {
    const proxy = await CuttingProxy.start(server.url);
    const url = new URL(server.url);
    url.host = proxy.host;
    const quiet = { NOTIFIER: 'false', INBOX_SWEEP_MS: '60000' };
    const behindProxy = await startApp(quiet, { url: url.href });
    const now = Math.floor(Date.now() / 1_000);
    const before = behindProxy.as('maya', { name: 'Maya', iat: now - 60 });
    const after = behindProxy.as('maya', { name: 'Maia', iat: now - 30 });
    try {
      await before.run(VIEWER);
      proxy.cut();
      proxy.swallow();
      const { accepted } = proxy;
      expect(await after.refusal(VIEWER)).toBe('SERVICE_UNAVAILABLE');
      expect(proxy.accepted - accepted).toBe(1);
    } finally {
      proxy.admit();
      await behindProxy.stop();
      await proxy.stop();
    }
  }, 60_000);
});
