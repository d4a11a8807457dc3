import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { TestDatabase } from './support/database.js';
import { createDatabase } from './support/database.js';

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

async function endOf(zone: string, hours: string, at: string): Promise<string | null> {
  const [from, until] = hours.split('-');
  const { rows } = await client.query<{ end: Date | null }>(
    'SELECT quiet_hours_end($1, $2, $3, $4) AS end',
    [zone, from, until, at],
  );
  return rows[0]!.end?.toISOString() ?? null;
}

const MADRID = 'Europe/Madrid';

describe('the end of quiet hours', () => {
  it.each([
    ['before they begin', 'UTC', '22:00-08:00', '2027-01-10T21:59:59Z', null],
    ['as they begin', 'UTC', '22:00-08:00', '2027-01-10T22:00:00Z', '2027-01-11T08:00:00.000Z'],
    ['after midnight', 'UTC', '22:00-08:00', '2027-01-11T07:59:59Z', '2027-01-11T08:00:00.000Z'],
    ['as they end', 'UTC', '22:00-08:00', '2027-01-11T08:00:00Z', null],
    ['within a day', 'UTC', '13:00-15:00', '2027-01-11T14:00:00Z', '2027-01-11T15:00:00.000Z'],
    ['after those', 'UTC', '13:00-15:00', '2027-01-11T16:00:00Z', null],
    ['until midnight', 'UTC', '22:00-00:00', '2027-01-10T23:00:00Z', '2027-01-11T00:00:00.000Z'],
    ['from midnight', 'UTC', '00:00-06:00', '2027-01-10T00:00:00Z', '2027-01-10T06:00:00.000Z'],
    [
      'by the clock elsewhere',
      'Asia/Kathmandu',
      '22:00-08:00',
      '2027-01-10T16:15:00Z',
      '2027-01-11T02:15:00.000Z',
    ],
    // 28 March 2027, 01:00Z: from 02:00 to 03:00.
    [
      'a night that is an hour shorter',
      MADRID,
      '22:00-08:00',
      '2027-03-27T22:00:00Z',
      '2027-03-28T06:00:00.000Z',
    ],
    [
      'an end that does not exist',
      MADRID,
      '23:00-02:30',
      '2027-03-28T00:30:00Z',
      '2027-03-28T01:00:00.000Z',
    ],
    ['after an end that does not exist', MADRID, '23:00-02:30', '2027-03-28T01:00:00Z', null],
    [
      'an end inside half an hour that does not exist',
      'Australia/Lord_Howe',
      '23:00-02:15',
      '2026-10-03T15:00:00Z',
      '2026-10-03T15:30:00.000Z',
    ],
    // From 01:00 to 03:00.
    [
      'an end inside two hours that do not exist',
      'Antarctica/Troll',
      '23:00-02:30',
      '2027-03-28T00:30:00Z',
      '2027-03-28T01:00:00.000Z',
    ],
    // 31 October 2027, 01:00Z: from 03:00 to 02:00.
    [
      'a night that is an hour longer',
      MADRID,
      '22:00-08:00',
      '2027-10-30T20:00:00Z',
      '2027-10-31T07:00:00.000Z',
    ],
    [
      'an end that comes twice',
      MADRID,
      '23:00-02:30',
      '2027-10-31T00:10:00Z',
      '2027-10-31T01:30:00.000Z',
    ],
    [
      'the second time before it',
      MADRID,
      '23:00-02:30',
      '2027-10-31T01:10:00Z',
      '2027-10-31T01:30:00.000Z',
    ],
    [
      'a zone that nobody knows',
      'Mars/Olympus',
      '22:00-08:00',
      '2027-01-10T23:00:00Z',
      '2027-01-11T08:00:00.000Z',
    ],
  ])('%s', async (_, zone, hours, at, expected) => {
    expect(await endOf(zone, hours, at)).toBe(expected);
  });

  it('is never in quiet hours itself, at any minute of a year', async () => {
    for (const zone of [
      MADRID,
      'America/New_York',
      'Australia/Lord_Howe',
      'Africa/Casablanca',
      'Antarctica/Troll',
    ])
      for (const [from, until] of [
        ['22:00', '08:00'],
        ['01:30', '02:45'],
      ]) {
        const { rows } = await client.query<{ wrong: number }>(
          `SELECT count(*)::integer AS wrong
           FROM generate_series(timestamptz '2027-01-01', '2028-01-01', '7 minutes') AS at
           CROSS JOIN LATERAL (SELECT quiet_hours_end($1, $2, $3, at) AS ended) AS quiet
           WHERE ended <= at OR ended > at + interval '12 hours'
             OR quiet_hours_end($1, $2, $3, ended) IS NOT NULL`,
          [zone, from, until],
        );
        expect([zone, from, rows[0]!.wrong]).toEqual([zone, from, 0]);
      }
  });
});
