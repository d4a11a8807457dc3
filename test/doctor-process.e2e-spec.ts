import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Outcome } from './support/commands.js';
import { run } from './support/commands.js';
import type { TestDatabase } from './support/database.js';
import { createDatabase, scratchDirectory } from './support/database.js';

/** `npm run doctor`. */
const examine = (environment: Record<string, string>): Promise<Outcome> =>
  run(['scripts/doctor.mjs'], environment);

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
    expect(said).toMatch(/^connect ECONN.*:1\n$/);
  });

  it('says that there is no database where DATA_DIR is mistyped, and makes none', async () => {
    const DATA_DIR = path.join(scratchDirectory(), 'mistyped');
    const { code, said } = await examine({ DATA_DIR });
    expect(code).toBe(2);
    expect(said).toContain(`There is no database in ${DATA_DIR}.`);
    expect(existsSync(DATA_DIR)).toBe(false);
  });
});
