import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Outcome } from './support/commands.js';
import { run } from './support/commands.js';
import type { TestDatabase } from './support/database.js';
import { createEmptyDatabase } from './support/database.js';

/** `npm run seed`, with the words of package.json. */
async function seed(url: string, ...sizes: string[]): Promise<Outcome> {
  const { scripts } = JSON.parse(await readFile('package.json', 'utf8')) as {
    scripts: { seed: string };
  };
  const [, ...args] = scripts.seed.split(' ');
  return run([...args, ...sizes], { DATABASE_URL: url });
}

describe('the seed', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createEmptyDatabase();
  });
  afterAll(() => database.drop());

  it.each([
    ['without a database', '', []],
    ['without a number', 'postgresql://127.0.0.1/none', ['abc']],
    ['of nothing', 'postgresql://127.0.0.1/none', ['1000', '0']],
    ['with more than it takes', 'postgresql://127.0.0.1/none', ['1000', '10', '1']],
  ])('says what it takes: %s', async (_, url, sizes) => {
    expect(await seed(url, ...sizes)).toEqual({
      code: 2,
      said: 'DATABASE_URL=<of an empty database> npm run seed -- [messages (1000000)] [threads (10000)]\n',
    });
  });

  it('says in one line why it cannot reach the database', async () => {
    const url = new URL(database.url);
    url.password = 'wrong';
    const { code, said } = await seed(url.href, '1000', '10');
    expect(code).toBe(2);
    expect(said).toMatch(/^The database \(DATABASE_URL\) cannot be reached: password .+\n$/);
  });

  it('fills an empty database soundly, shows the plan of every list, and fills none twice', async () => {
    const { code, said } = await seed(database.url, '10000', '4000');
    const [, sound, ...plans] = said.trimEnd().split('\n');
    expect(sound).toBe('The doctor finds 0 differences.');
    for (const mode of ['custom ', 'generic'])
      for (const list of ['list_own_whole', 'list_all_trip_whole', 'messages_own_back_whole'])
        expect(said).toMatch(new RegExp(`^bounded .* ms ${mode} ${list}$`, 'm'));
    expect(plans.filter((plan) => !plan.startsWith('bounded '))).toEqual([]);
    expect(code).toBe(0);
    expect(await seed(database.url, '10000', '4000')).toEqual({
      code: 2,
      said: expect.stringMatching(
        /\nThere are threads already: this is for an empty database\.\n$/,
      ),
    });
  });
});
