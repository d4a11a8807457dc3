import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { Trimmer } from '../src/inbox/trimmer.js';
import type { TestApp } from './support/app.js';
import { startApp } from './support/app.js';

const KEPT_DAYS = 7;
const KEPT_ENTRIES = 100;
/** More people than are looked at, or have entries dropped, at a time. */
const PEOPLE = 1_100;

let app: TestApp;
let database: Client;

beforeAll(async () => {
  app = await startApp({
    INBOX_RETENTION_DAYS: String(KEPT_DAYS),
    INBOX_RETENTION_ENTRIES: String(KEPT_ENTRIES),
  });
  database = new Client({ connectionString: app.databaseUrl });
  await database.connect();
  await database.query(
    `SELECT ensure_users(ARRAY(SELECT 'p' || n FROM generate_series(1, $1) n))`,
    [PEOPLE],
  );
});
afterAll(async () => {
  await database.end();
  await app.stop();
});

beforeEach(async () => {
  await database.query('TRUNCATE inbox_entries');
  await database.query('UPDATE inboxes SET position = 0, floor = 0');
});

/** Gives people (LIKE pattern) so many entries of that age. */
async function write(people: string, count: number, ageInDays: number): Promise<void> {
  await database.query(
    `INSERT INTO inbox_entries (user_id, position, at, kind, thread_id, unread_message_count, unread_thread_count)
     SELECT user_id, position + n, now() - make_interval(days => $3), 'THREAD_UPDATED', gen_random_uuid(), 0, 0
     FROM inboxes, generate_series(1, $2) AS n WHERE user_id LIKE $1`,
    [people, count, ageInDays],
  );
  await database.query('UPDATE inboxes SET position = position + $2 WHERE user_id LIKE $1', [
    people,
    count,
  ]);
}

interface Left {
  entries: number;
  floor: number;
}

/** What is left to each of these people, without repeats. */
async function left(people: string): Promise<Left[]> {
  const { rows } = await database.query<Left>(
    `SELECT DISTINCT (SELECT count(*)::integer FROM inbox_entries e WHERE e.user_id = i.user_id) AS entries,
       floor::integer FROM inboxes i WHERE user_id LIKE $1`,
    [people],
  );
  return rows;
}

const trim = (): Promise<void> => app.get(Trimmer).trim();

describe('one round of trimming', () => {
  it('drops what is too old from all journals, however many they are', async () => {
    await write('p%', 2, KEPT_DAYS + 1);
    await write('p%', 1, KEPT_DAYS - 1);
    await trim();
    expect(await left('p%')).toEqual([{ entries: 1, floor: 2 }]);
  });

  it('drops what is beyond the newest entries of a person, however many that are', async () => {
    await write('p7', 3_000, 0);
    await write('p8', KEPT_ENTRIES, 0);
    await trim();
    expect(await left('p7')).toEqual([{ entries: KEPT_ENTRIES, floor: 3_000 - KEPT_ENTRIES }]);
    expect(await left('p8')).toEqual([{ entries: KEPT_ENTRIES, floor: 0 }]);
  });

  it('leaves whoever is being written to for the next one, and waits for nobody', async () => {
    await write('p%', 1, KEPT_DAYS + 1);
    await database.query('BEGIN');
    await database.query(`SELECT FROM inboxes WHERE user_id = 'p5' FOR UPDATE`);
    await trim();
    await database.query('COMMIT');
    expect(await left('p5')).toEqual([{ entries: 1, floor: 0 }]);
    expect(await left('p6')).toEqual([{ entries: 0, floor: 1 }]);
    await trim();
    expect(await left('p5')).toEqual([{ entries: 0, floor: 1 }]);
  });
});
