import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { applyMigrations } from '../src/database/migrations.js';
import type { TestApp } from './support/app.js';
import { startApp } from './support/app.js';
import { createEarlierDatabase } from './support/earlier-database.js';
import { PLATFORM } from './support/seeds.js';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

const UPSERT = `mutation ($input: UpsertUsersInput!) { upsertUsers(input: $input) { users { id } } }`;
const peopleIn = (zones: readonly string[]): unknown => ({
  input: { users: zones.map((timeZone, place) => ({ id: `person-${place}`, timeZone })) },
});

/** With a connection of one's own. */
async function query<Row extends object>(
  url: string,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}

/** What Node.js shows as the time of day there. */
const clockIn = (timeZone: string, at: string): string =>
  new Intl.DateTimeFormat('en-GB', { timeZone, timeStyle: 'short' }).format(new Date(at));

describe('the time zone of a person', () => {
  it('may be that of any place, in mails and in quiet hours alike', async () => {
    const zones = [...Intl.supportedValuesOf('timeZone'), 'UTC', 'GMT', 'Etc/GMT+5', 'US/Pacific'];
    await app.as('platform', PLATFORM).run(UPSERT, peopleIn(zones));
    for (const at of ['2020-01-15T12:00:00Z', '2020-07-15T12:00:00Z']) {
      const rows = await query<{ zone: string; clock: string }>(
        app.databaseUrl,
        `SELECT time_zone AS zone, to_char($1::timestamptz AT TIME ZONE time_zone, 'HH24:MI') AS clock
         FROM users WHERE time_zone IS NOT NULL`,
        [at],
      );
      expect(rows.length).toBe(zones.length);
      for (const { zone, clock } of rows) expect([zone, clock]).toEqual([zone, clockIn(zone, at)]);
    }
  });

  it.each([
    'CET',
    'EET',
    'WET',
    'MET',
    'EST',
    'MST',
    'HST',
    'IST',
    'PST',
    'CST',
    'BST',
    'cet',
    '+02:00',
    'Mars/Olympus',
  ])('is not %s', async (zone) => {
    expect(await app.as('platform', PLATFORM).refusal(UPSERT, peopleIn([zone]))).toBe(
      'BAD_USER_INPUT',
    );
  });

  it('says in a refusal what it may be', async () => {
    const { errors } = await app.as('platform', PLATFORM).send(UPSERT, peopleIn(['CET']));
    expect(errors).toMatchObject([
      {
        message:
          'users.0.timeZone must be UTC, GMT or the IANA name of a place such as Europe/Madrid',
      },
    ]);
  });

  it('is that of the place from now on, where an abbreviation was taken before', async () => {
    const database = await createEarlierDatabase('20261128100004_time_zones_of_places');
    const zones = {
      CET: 'Europe/Brussels',
      ist: 'Asia/Kolkata',
      Japan: 'Japan',
      UTC: 'UTC',
      GMT: 'GMT',
    };
    await query(
      database.url,
      'INSERT INTO users (id, time_zone) SELECT zone, zone FROM unnest($1::text[]) AS zone',
      [Object.keys(zones)],
    );
    await applyMigrations(database.url);
    const rows = await query<{ id: string; zone: string }>(
      database.url,
      'SELECT id, time_zone AS zone FROM users',
    );
    expect(Object.fromEntries(rows.map(({ id, zone }) => [id, zone]))).toEqual(zones);
    await database.drop();
  });
});
