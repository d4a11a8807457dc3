import { randomBytes } from 'node:crypto';
import { Client, escapeIdentifier } from 'pg';

export interface TestDatabase {
  url: string;
  drop(): Promise<void>;
}

/** A fresh clone of the migrated database, for one test file. */
export const createDatabase = (): Promise<TestDatabase> =>
  create(fromSetup('PARLEY_TEST_TEMPLATE'));

/** A database without any table, for tests of the migrations themselves. @param options of CREATE DATABASE */
export const createEmptyDatabase = (options = ''): Promise<TestDatabase> =>
  create(options === '' ? 'template1' : 'template0', options);

/** Goes with the run, whatever is left in it. */
export const scratchDirectory = (): string => fromSetup('PARLEY_TEST_SCRATCH');

async function create(template: string, options = ''): Promise<TestDatabase> {
  const run = fromSetup('PARLEY_TEST_TEMPLATE').replace('template', 'test');
  const name = `${run}_${process.env.JEST_WORKER_ID ?? '0'}_${randomBytes(4).toString('hex')}`;
  const quoted = escapeIdentifier(name);
  await onServer(`CREATE DATABASE ${quoted} TEMPLATE ${escapeIdentifier(template)} ${options}`);
  const url = new URL(fromSetup('PARLEY_TEST_SERVER'));
  url.pathname = name;
  return { url: url.href, drop: () => onServer(`DROP DATABASE IF EXISTS ${quoted} WITH (FORCE)`) };
}

async function onServer(statement: string): Promise<void> {
  const client = new Client({ connectionString: fromSetup('PARLEY_TEST_SERVER') });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

function fromSetup(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is set by test/setup/global-setup.ts.`);
  return value;
}
