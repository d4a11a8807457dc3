import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import pg from 'pg';
import { NodeLease } from '../src/notifications/node-lease.repository.js';
import { until } from './support/app.js';
import { CuttingProxy } from './support/cutting-proxy.js';
import type { TestDatabase } from './support/database.js';
import { createDatabase } from './support/database.js';

/** Longer than a silent connection is trusted. */
const PATIENCE_MS = 30_000;
let database: TestDatabase;
let proxy: CuttingProxy;
let client: pg.Client;
let lease: NodeLease;

beforeAll(async () => {
  Logger.overrideLogger(false);
  database = await createDatabase();
  proxy = await CuttingProxy.start(database.url);
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterEach(() => lease.release());
afterAll(async () => {
  await client.end();
  await proxy.stop();
  await database.drop();
});

async function hold(): Promise<number> {
  const url = new URL(database.url);
  url.host = proxy.host;
  lease = new NodeLease(url.href);
  await lease.hold();
  return (await holder())!;
}

/** The session by which the node is seen to live; undefined while others take it for dead. */
async function holder(): Promise<number | undefined> {
  const { rows } = await client.query<{ pid: number }>(
    `SELECT pid FROM pg_locks
     WHERE locktype = 'advisory' AND objid::bigint = $1 AND granted AND notifier_node_lives($1::integer)`,
    [lease.node],
  );
  return rows[0]?.pid;
}

const terminate = (session: number): Promise<unknown> =>
  client.query('SELECT pg_terminate_backend($1)', [session]);

const untilHeldByAnother = (lost: number): Promise<void> =>
  until(async () => ![undefined, lost].includes(await holder()), 'it is held again', PATIENCE_MS);

describe('a node whose connection has broken', () => {
  it('lives again in a new session', async () => {
    const first = await hold();
    await terminate(first);
    await untilHeldByAnother(first);
  });

  it('goes on trying while the server still has the old session', async () => {
    const first = await hold();
    const before = proxy.accepted;
    proxy.stall();
    // It has noticed the silence, was refused the lock at least once, and comes again.
    await until(() => proxy.accepted >= before + 2, 'it tries twice', PATIENCE_MS);
    expect(await holder()).toBe(first);
    await terminate(first);
    await untilHeldByAnother(first);
  });
});
