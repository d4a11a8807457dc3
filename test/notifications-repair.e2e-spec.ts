import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { applyMigrations } from '../src/database/migrations.js';
import type { TestDatabase } from './support/database.js';
import { createEarlierDatabase } from './support/earlier-database.js';

let database: TestDatabase;
let client: Client;
beforeAll(async () => {
  database = await createEarlierDatabase('20261128100000_counts_of_who_has_left');
  client = new Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

/** A notification with this count, and so many deliveries that are counted. */
async function insert(
  id: string,
  count: number,
  counted: number,
  readAt: string | null = null,
): Promise<void> {
  await client.query(
    `INSERT INTO notifications
       (id, user_id, type, thread_id, message_id, actor_id, count, last_sequence, created_at, updated_at, read_at)
     VALUES ($1, 'ben', 'NEW_MESSAGE', $1, $1, 'ann', $2, 9, now(), now(), $3)`,
    [id, count, readAt],
  );
  await client.query(
    `INSERT INTO notification_deliveries
       (message_id, user_id, channel, type, thread_id, sequence, outcome, at, notification_id, is_counted)
     SELECT gen_random_uuid(), 'ben', 'IN_APP', 'NEW_MESSAGE', $1, place, 'SENT', now(), $1, true
     FROM generate_series(1, $2::integer) AS place`,
    [id, counted],
  );
}

it('counts that were put apart from what they count are together again after an upgrade', async () => {
  const [left, sound, pruned, forgotten] = [1, 2, 3, 4].map(
    (place) => `00000000-0000-7000-8000-00000000000${place}`,
  );
  await insert(left!, 0, 3, '2026-11-21T12:00:00Z');
  await insert(sound!, 2, 2);
  await insert(pruned!, 5, 2);
  await insert(forgotten!, 4, 0);
  await applyMigrations(database.url);
  const { rows } = await client.query(
    `SELECT n.id, n.count, n.read_at IS NULL AS unread, count(d.message_id)::integer AS counted FROM notifications n
     LEFT JOIN notification_deliveries d ON d.notification_id = n.id AND d.is_counted GROUP BY n.id ORDER BY n.id`,
  );
  expect(rows).toEqual([
    { id: left, unread: false, count: 0, counted: 0 },
    { id: sound, unread: true, count: 2, counted: 2 },
    { id: pruned, unread: true, count: 2, counted: 2 },
    { id: forgotten, unread: false, count: 0, counted: 0 },
  ]);
});
