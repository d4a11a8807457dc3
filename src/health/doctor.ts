import { Client } from 'pg';
import { CHECKS } from './doctor-checks.js';

/** Something that is stored otherwise than it would be counted now. */
export interface Difference {
  readonly check: string;
  /** Ids of the thread, the person, the message … that it is about. */
  readonly place: string;
  readonly stored: string;
  readonly recomputed: string;
}

const ROWS_AT_A_TIME = 500;

/**
 * Recomputes every counter, sequence and journal position. All of it is read in one snapshot, so it can run while parley
 * serves, and row by row through cursors, so it needs no memory for what it finds. It locks nothing and writes nothing; the
 * snapshot only holds back PostgreSQL's vacuum as long as it runs.
 */
export async function* findDifferences(databaseUrl: string): AsyncGenerator<Difference> {
  const client = new Client({
    connectionString: databaseUrl,
    application_name: 'parley (doctor)',
    connectionTimeoutMillis: 10_000,
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await client.query('SET LOCAL statement_timeout = 0');
    yield* examine(client);
  } finally {
    await client.end();
  }
}

/** The same inside a transaction of the caller, whose snapshot it uses. */
export async function* examine(client: Client): AsyncGenerator<Difference> {
  for (const { name, sql } of CHECKS) {
    await client.query(`DECLARE findings NO SCROLL CURSOR FOR ${sql}`);
    for (;;) {
      const { rows } = await client.query<Omit<Difference, 'check'>>(
        `FETCH ${ROWS_AT_A_TIME} FROM findings`,
      );
      for (const row of rows) yield { check: name, ...row };
      if (rows.length < ROWS_AT_A_TIME) break;
    }
    await client.query('CLOSE findings');
  }
}

export const describeDifference = ({ check, place, stored, recomputed }: Difference): string =>
  `${check}\n  at         ${place}\n  stored     ${stored}\n  recomputed ${recomputed}`;
