import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Client, escapeIdentifier } from 'pg';
import { Hub } from '../src/inbox/hub.js';
import type { TestApp } from './support/app.js';
import { startApp, until } from './support/app.js';
import { createDatabase } from './support/database.js';
import { openThread, send, sendMany } from './support/seeds.js';
import type { Subscription } from './support/socket-client.js';

const INBOX = `subscription ($after: String) { inboxEvents(after: $after) {
  __typename cursor ... on MessageAdded { message { body } }
} }`;

/** A restored backup or a promoted standby may lack what was told already, and gives its positions to something else. */
describe('a stream on a database that goes back', () => {
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let app: TestApp;
  let threadId: string;
  let [ann, ben] = ['', ''];
  beforeAll(async () => {
    database = await createDatabase();
    app = await startApp({}, database);
  });
  beforeEach(async () => {
    [ann, ben] = [`ann-${randomUUID()}`, `ben-${randomUUID()}`];
    ({ id: threadId } = await openThread(app, { tourist: ann, guide: ben }));
  });
  afterAll(async () => {
    // The tests have written to tables themselves.
    await app.stop(true);
    await database.drop();
  });

  const open = async (person: string): Promise<Subscription> => {
    const stream = (await app.socket(person)).start(INBOX);
    await stream.next();
    return stream;
  };
  const query = async (connection: string, statements: readonly string[]): Promise<void> => {
    const client = new Client({ connectionString: connection });
    await client.connect();
    try {
      for (const statement of statements) await client.query(statement);
    } finally {
      await client.end();
    }
  };

  it('is told to start afresh where its position is beyond the journal, and others go on', async () => {
    const [stream, other] = [await open(ben), await open(ann)];
    await sendMany(app.as(ann), threadId, 3);
    for (const { inboxEvents } of await stream.take(3)) expect(inboxEvents.message).toBeDefined();
    await other.take(3);
    await query(database.url, [
      `UPDATE inboxes SET position = position - 2 WHERE user_id = '${ben}'`,
      `DELETE FROM inbox_entries e USING inboxes i
       WHERE i.user_id = '${ben}' AND e.user_id = i.user_id AND e.position > i.position`,
    ]);
    expect(await stream.refusal()).toBe('RESYNC_REQUIRED');
    const again = await open(ben);
    await send(app.as(ann), threadId, 'afterwards');
    expect((await again.next()).inboxEvents.message.body).toBe('afterwards');
    expect((await other.next()).inboxEvents.message.body).toBe('afterwards');
  });

  it('is told to start afresh where the database is another one, and its cursor no longer fits', async () => {
    const stream = await open(ben);
    await send(app.as(ann), threadId, 'before');
    const { cursor } = (await stream.next()).inboxEvents;
    const name = escapeIdentifier(new URL(database.url).pathname.slice(1));
    const [copy, old] = [escapeIdentifier(randomUUID()), escapeIdentifier(randomUUID())];
    const server = new URL(database.url);
    server.pathname = 'postgres';
    await query(server.href, [
      `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`,
      `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '${new URL(database.url).pathname.slice(1)}'`,
      `CREATE DATABASE ${copy} TEMPLATE ${name}`,
      `ALTER DATABASE ${name} RENAME TO ${old}`,
      `ALTER DATABASE ${copy} RENAME TO ${name}`,
      `DROP DATABASE ${old}`,
    ]);
    expect(await stream.refusal()).toBe('RESYNC_REQUIRED');
    await until(() => app.get(Hub).size === 0, 'no other stream goes on either');
    const socket = await app.socket(ben);
    expect(await socket.start(INBOX, { after: cursor }).refusal()).toBe('RESYNC_REQUIRED');
    const again = await open(ben);
    await send(app.as(ann), threadId, 'after');
    expect((await again.next()).inboxEvents.message.body).toBe('after');
  });
});
