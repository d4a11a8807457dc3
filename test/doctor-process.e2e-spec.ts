import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findPostmaster } from '../src/database/embedded-process.js';
import { startEmbeddedServer } from '../src/database/embedded-server.js';
import type { Outcome } from './support/commands.js';
import { run } from './support/commands.js';
import type { TestDatabase } from './support/database.js';
import { createDatabase, createEmptyDatabase, scratchDirectory } from './support/database.js';
import { hasBegun } from './support/other-process.js';

/** `npm run doctor`; Ctrl-C comes with the signal. */
const examine = (environment: Record<string, string>, signal?: AbortSignal): Promise<Outcome> =>
  run(['scripts/doctor.mjs'], environment, signal);

describe('the doctor', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(() => database.drop());

  it('examines the database of DATABASE_URL', async () => {
    expect(await examine({ DATABASE_URL: database.url })).toEqual({
      code: 0,
      said: '0 differences\n',
    });
  });

  it('takes no address for another one', async () => {
    const { code, said } = await examine({ DATABASE_URL: 'localhost:5999/parley' });
    expect(code).toBe(2);
    expect(said).toContain('DATABASE_URL must read postgresql://');
  });

  it('says why it cannot reach a database whose name has several addresses', async () => {
    const { code, said } = await run(
      ['--import', './test/support/two-addresses.mjs', 'scripts/doctor.mjs'],
      { DATABASE_URL: 'postgresql://localhost:1/parley' },
    );
    expect(code).toBe(2);
    expect(said).toMatch(/^The database \(DATABASE_URL\) cannot be examined: connect ECONN.*:1\n$/);
  });

  it('names the variable where the database is not what it should be', async () => {
    const empty = await createEmptyDatabase();
    expect(await examine({ DATABASE_URL: empty.url })).toEqual({
      code: 2,
      said: 'The database (DATABASE_URL) cannot be examined: relation "threads" does not exist\n',
    });
    await empty.drop();
  });

  it('says that there is no database where DATA_DIR is mistyped, and makes none', async () => {
    const DATA_DIR = path.join(scratchDirectory(), 'mistyped');
    const { code, said } = await examine({ DATA_DIR });
    expect(code).toBe(2);
    expect(said).toContain(`There is no database in ${DATA_DIR}.`);
    expect(existsSync(DATA_DIR)).toBe(false);
  });

  it('takes the PostgreSQL along that it has started when Ctrl-C stops it', async () => {
    const dataDir = path.join(scratchDirectory(), 'examined');
    await (await startEmbeddedServer({ dataDir, settings: { fsync: 'off' } })).stop();
    await rm(path.join(dataDir, 'postgresql.log'));
    const stopped = new AbortController();
    const examined = examine({ DATA_DIR: dataDir }, stopped.signal);
    await hasBegun(dataDir);
    stopped.abort();
    expect(await examined).toEqual({ code: 2, said: 'Stopped.\n' });
    expect(await findPostmaster(path.join(dataDir, 'postgresql'))).toBeUndefined();
  });
});
