import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { EmbeddedServer } from '../src/database/embedded-server.js';
import { startEmbeddedServer } from '../src/database/embedded-server.js';
import { applyMigrations } from '../src/database/migrations.js';
import type { TestApp } from './support/app.js';
import { startApp, until } from './support/app.js';
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
});
