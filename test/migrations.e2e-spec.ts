import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { Client, escapeIdentifier } from 'pg';
import { applyMigrations } from '../src/database/migrations.js';
import {
  createDatabase,
  createEmptyDatabase,
  scratchDirectory,
  type TestDatabase,
} from './support/database.js';

let database: TestDatabase;
let folder: string;
let client: Client;

beforeEach(async () => {
  database = await createEmptyDatabase();
  folder = await fs.mkdtemp(path.join(scratchDirectory(), 'migrations-'));
  await fs.writeFile(path.join(folder, 'migration_lock.toml'), 'provider = "postgresql"\n');
  client = new Client({ connectionString: database.url });
  await client.connect();
});

afterEach(async () => {
  await client.end();
  await database.drop();
  await fs.rm(folder, { recursive: true });
});

const scriptOf = (name: string): string => path.join(folder, name, 'migration.sql');

async function write(name: string, script: string): Promise<void> {
  await fs.mkdir(path.join(folder, name), { recursive: true });
  await fs.writeFile(scriptOf(name), script);
}

async function writeTwo(): Promise<void> {
  await write(
    '20260102000000_second',
    "INSERT INTO note VALUES ('a;b'); INSERT INTO note VALUES ($$;$$);",
  );
  await write('20260101000000_first', 'CREATE TABLE note (text text);');
}

async function values(text: string): Promise<unknown[]> {
  return (await client.query<unknown[]>({ text, rowMode: 'array' })).rows.flat();
}

const history = (): Promise<unknown[]> =>
  values('SELECT migration_name FROM _prisma_migrations ORDER BY started_at');

describe('the migrations', () => {
  it('are applied in order, and not a second time', async () => {
    await writeTwo();
    const names = ['20260101000000_first', '20260102000000_second'];
    expect(await applyMigrations(database.url, folder)).toEqual(names);
    expect(await values('SELECT text FROM note')).toEqual(['a;b', ';']);
    expect(await history()).toEqual(names);
    expect(await applyMigrations(database.url, folder)).toEqual([]);
    expect(await values('SELECT text FROM note')).toEqual(['a;b', ';']);
  });

  it('leave the history that Prisma leaves', async () => {
    await writeTwo();
    await applyMigrations(database.url, folder);
    const { rows } = await client.query<Record<string, unknown>>(
      'SELECT * FROM _prisma_migrations ORDER BY started_at',
    );
    const bytes = await fs.readFile(scriptOf('20260101000000_first'));
    expect(rows[0]).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      checksum: createHash('sha256').update(bytes).digest('hex'),
      finished_at: expect.any(Date),
      migration_name: '20260101000000_first',
      logs: null,
      rolled_back_at: null,
      started_at: expect.any(Date),
      applied_steps_count: 1,
    });
  });

  it('are applied once when many start at the same time', async () => {
    await writeTwo();
    const starts = [1, 2, 3, 4].map(() => applyMigrations(database.url, folder));
    const applied = await Promise.all(starts);
    expect(applied.map((names) => names.length).sort()).toEqual([0, 0, 0, 2]);
    expect(await values('SELECT text FROM note')).toEqual(['a;b', ';']);
  });

  it('wait for a prisma migrate that is under way', async () => {
    await writeTwo();
    await client.query('SELECT pg_advisory_lock(72707369)');
    const applied = applyMigrations(database.url, folder);
    const waiting = `SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
    while ((await values(waiting))[0] !== 1);
    expect(await values("SELECT to_regclass('note')")).toEqual([null]);
    await client.query('SELECT pg_advisory_unlock(72707369)');
    expect(await applied).toHaveLength(2);
  });

  it('leave nothing of one that fails, keep those before it, and say where it failed', async () => {
    await writeTwo();
    await write(
      '20260103000000_third',
      'CREATE TABLE half (id int);\n-- Grüße 🙂\nALTER TABLE no_such_table ADD x int;\n',
    );
    await expect(applyMigrations(database.url, folder)).rejects.toMatchObject({
      problem: 'FAILED',
      migration: '20260103000000_third',
      message: expect.stringContaining('relation "no_such_table" does not exist'),
    });
    expect(await values("SELECT to_regclass('half')")).toEqual([null]);
    expect(await history()).toEqual(['20260101000000_first', '20260102000000_second']);
    await write('20260103000000_third', 'CREATE TABLE whole (id int);');
    expect(await applyMigrations(database.url, folder)).toEqual(['20260103000000_third']);
  });

  it('name the line of a mistake', async () => {
    await write('1_mistake', '-- 🙂🙂🙂🙂🙂🙂🙂🙂\nSELECT 1;\nSELECT no_such_column;\n');
    await expect(applyMigrations(database.url, folder)).rejects.toThrow('failed at line 3');
  });

  it('may change the search path without losing the history', async () => {
    await write('1_path', "SELECT set_config('search_path', '', false);");
    await write('2_table', 'CREATE TABLE note (text text);');
    expect(await applyMigrations(database.url, folder)).toHaveLength(2);
    expect(await values('SELECT text FROM public.note')).toEqual([]);
  });

  it('are refused when an applied one was edited', async () => {
    await writeTwo();
    await applyMigrations(database.url, folder);
    await write('20260101000000_first', 'CREATE TABLE note (text varchar);');
    await expect(applyMigrations(database.url, folder)).rejects.toMatchObject({
      problem: 'EDITED',
      migration: '20260101000000_first',
    });
  });

  it('do not mind other ends of lines', async () => {
    await write('1_lines', 'CREATE TABLE note (\n  text text\n);\n');
    await applyMigrations(database.url, folder);
    await write('1_lines', 'CREATE TABLE note (\r\n  text text\r\n);\r\n');
    expect(await applyMigrations(database.url, folder)).toEqual([]);
  });

  it('are refused when an applied one is missing', async () => {
    await writeTwo();
    await applyMigrations(database.url, folder);
    await fs.rm(path.join(folder, '20260102000000_second'), { recursive: true });
    await expect(applyMigrations(database.url, folder)).rejects.toMatchObject({
      problem: 'MISSING',
      migration: '20260102000000_second',
    });
  });

  it('are refused while one that failed under Prisma is unresolved, and go on once it is', async () => {
    await writeTwo();
    await applyMigrations(database.url, folder);
    await client.query(
      `UPDATE _prisma_migrations SET finished_at = NULL, applied_steps_count = 0, logs = 'why'
       WHERE migration_name = '20260102000000_second'`,
    );
    const refused = applyMigrations(database.url, folder);
    await expect(refused).rejects.toMatchObject({ problem: 'FAILED_EARLIER' });
    await client.query(
      'UPDATE _prisma_migrations SET rolled_back_at = now() WHERE finished_at IS NULL',
    );
    expect(await applyMigrations(database.url, folder)).toEqual(['20260102000000_second']);
  });

  it('are refused by a database of another encoding than UTF-8', async () => {
    await writeTwo();
    const bytes = await createEmptyDatabase("ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C'");
    try {
      await expect(applyMigrations(bytes.url, folder)).rejects.toMatchObject({
        problem: 'REFUSED',
        message: expect.stringMatching(/has the encoding SQL_ASCII, and parley needs UTF8/),
      });
    } finally {
      await bytes.drop();
    }
    expect(await applyMigrations(database.url, folder)).toHaveLength(2);
  });

  it.each([
    ['search_path = app, public', 'leads to the schema app first, and parley needs public'],
    ['search_path = nowhere', 'leads to no schema first, and parley needs public'],
    ["datestyle = 'SQL, DMY'", 'writes dates in the style SQL, DMY, and parley reads ISO'],
  ])('are refused with %s, and not once it is as by default', async (setting, reason) => {
    await writeTwo();
    const name = escapeIdentifier(new URL(database.url).pathname.slice(1));
    await client.query(`CREATE SCHEMA app; ALTER DATABASE ${name} SET ${setting}`);
    await expect(applyMigrations(database.url, folder)).rejects.toMatchObject({
      problem: 'REFUSED',
      message: expect.stringContaining(reason),
    });
    expect(await values("SELECT to_regclass('_prisma_migrations')")).toEqual([null]);
    await client.query(`ALTER DATABASE ${name} RESET ALL`);
    expect(await applyMigrations(database.url, folder)).toHaveLength(2);
  });

  it('are refused when a folder has no script', async () => {
    await fs.mkdir(path.join(folder, '1_empty'));
    const refused = applyMigrations(database.url, folder);
    await expect(refused).rejects.toMatchObject({ problem: 'UNREADABLE' });
  });
});

describe('the databases of the tests', () => {
  it('are cloned at the same time', async () => {
    const clones = await Promise.all([1, 2, 3, 4].map(() => createDatabase()));
    expect(new Set(clones.map(({ url }) => url)).size).toBe(4);
    await Promise.all(clones.map((clone) => clone.drop()));
  });
});

describe('the index of functions', () => {
  it('names each function of a migrated database', async () => {
    await applyMigrations(database.url);
    const index = await fs.readFile(path.resolve('prisma', 'functions.md'), 'utf8');
    const names = [...index.matchAll(/^- \*\*(\w+)\*\*/gm)].map(([, name]) => name);
    const there = await values(
      "SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    );
    expect(names).toEqual(there.sort());
  });
});
