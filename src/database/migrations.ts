import { createHash, randomUUID } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, DatabaseError } from 'pg';
import { StartError } from '../errors.js';
import { errorCode, reasonOf } from '../reasons.js';
import { findUnfitSettings } from './settings.js';

export type MigrationProblem =
  | 'UNREACHABLE'
  | 'REFUSED'
  | 'FAILED'
  | 'FAILED_EARLIER'
  | 'EDITED'
  | 'MISSING'
  | 'UNREADABLE'
  | 'LOCKED';

export class MigrationError extends StartError {
  override readonly name = 'MigrationError';

  constructor(
    readonly problem: MigrationProblem,
    readonly migration: string | undefined,
    message: string,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

interface Migration {
  name: string;
  script: string;
}

interface AppliedRow {
  migration_name: string;
  checksum: string;
  finished_at: Date | null;
  logs: string | null;
}

// The same as Prisma's, so that `prisma migrate deploy` and this wait for each other.
const prismaLock = 72_707_369;
const lockPatience = '60s';

// Both src/database and dist/database lie two levels below the project.
const ownFolder = fileURLToPath(new URL('../../prisma/migrations', import.meta.url));

const historyTable = `
  CREATE TABLE IF NOT EXISTS _prisma_migrations (
    id                    VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum              VARCHAR(64) NOT NULL,
    finished_at           TIMESTAMPTZ,
    migration_name        VARCHAR(255) NOT NULL,
    logs                  TEXT,
    rolled_back_at        TIMESTAMPTZ,
    started_at            TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_steps_count   INTEGER NOT NULL DEFAULT 0
  )`;

/**
 * Applies what `prisma migrate deploy` would apply and leaves the same history, without Prisma's engine.
 * Answers the names of the migrations applied.
 */
export async function applyMigrations(url: string, folder = ownFolder): Promise<string[]> {
  const migrations = await readMigrations(folder);
  const client = await connect(url);
  try {
    await requireFitSettings(client);
    await takeLock(client);
    const pending = await findPending(client, migrations);
    for (const migration of pending) await apply(client, migration);
    return pending.map(({ name }) => name);
  } catch (error) {
    if (error instanceof MigrationError) throw error;
    const what = 'The database (DATABASE_URL) does not let itself be migrated';
    throw new MigrationError('REFUSED', undefined, `${what}: ${reasonOf(error)}`, error);
  } finally {
    await client.end();
  }
}

async function connect(url: string): Promise<Client> {
  try {
    const client = new Client({
      connectionString: url,
      application_name: 'parley (migrations)',
      connectionTimeoutMillis: 10_000,
    });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  } catch (error) {
    const what = 'The database (DATABASE_URL) cannot be reached';
    throw new MigrationError('UNREACHABLE', undefined, `${what}: ${reasonOf(error)}`, error);
  }
}

async function readMigrations(folder: string): Promise<Migration[]> {
  try {
    const entries = await fs.readdir(folder, { withFileTypes: true });
    const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
    // Prisma's order: by code point, whatever the locale.
    names.sort((one, other) => (one < other ? -1 : 1));
    return await Promise.all(
      names.map(async (name) => ({
        name,
        script: await fs.readFile(path.join(folder, name, 'migration.sql'), 'utf8'),
      })),
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new MigrationError('UNREADABLE', undefined, `Cannot read migrations: ${reason}`, error);
  }
}

async function requireFitSettings(client: Client): Promise<void> {
  const problems = await findUnfitSettings(client);
  if (problems.length === 0) return;
  const said = problems.map((problem) => `The database (DATABASE_URL) ${problem}`).join(' ');
  throw new MigrationError('REFUSED', undefined, said);
}

/** Ending the session releases it. */
async function takeLock(client: Client): Promise<void> {
  try {
    await client.query(`SET statement_timeout = 0; SET lock_timeout = '${lockPatience}'`);
    await client.query('SELECT pg_advisory_lock($1)', [prismaLock]);
  } catch (error) {
    if (errorCode(error) !== '55P03') throw error;
    throw new MigrationError(
      'LOCKED',
      undefined,
      `Another process has been migrating this database for more than ${lockPatience}.`,
      error,
    );
  }
}

async function findPending(client: Client, migrations: Migration[]): Promise<Migration[]> {
  await client.query(historyTable);
  const { rows } = await client.query<AppliedRow>(
    `SELECT migration_name, checksum, finished_at, logs FROM _prisma_migrations
     WHERE rolled_back_at IS NULL ORDER BY started_at`,
  );
  for (const row of rows) requireSound(row, migrations);
  const applied = new Set(rows.map((row) => row.migration_name));
  return migrations.filter(({ name }) => !applied.has(name));
}

function requireSound(row: AppliedRow, migrations: Migration[]): void {
  const name = row.migration_name;
  if (!row.finished_at)
    throw new MigrationError(
      'FAILED_EARLIER',
      name,
      `The migration ${name} failed half-way when something else applied it. Mend the database, then mark ` +
        `it with \`prisma migrate resolve\`. ${row.logs ?? ''}`.trimEnd(),
    );
  const migration = migrations.find((each) => each.name === name);
  if (!migration)
    throw new MigrationError(
      'MISSING',
      name,
      `The database has the migration ${name}, which this version of parley does not know. ` +
        'It belongs to a newer version or to another program.',
    );
  if (!checksums(migration.script).includes(row.checksum))
    throw new MigrationError(
      'EDITED',
      name,
      `The migration ${name} was edited after it had been applied to this database. ` +
        'Restore its text and put the change into a new migration.',
    );
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Git may change the ends of lines, and neither Prisma nor this minds. */
const checksums = (script: string): string[] =>
  [
    script,
    script.replaceAll('\r\n', '\n'),
    script.replaceAll('\r\n', '\n').replaceAll('\n', '\r\n'),
  ].map(sha256);

async function apply(client: Client, { name, script }: Migration): Promise<void> {
  const id = randomUUID();
  await client.query('BEGIN');
  try {
    await client.query(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at)
       VALUES ($1, $2, $3, clock_timestamp())`,
      [id, sha256(script), name],
    );
    // A migration may set the search path, which the history must not follow.
    const { rows } = await client.query<{ path: string }>(
      "SELECT current_setting('search_path') AS path",
    );
    await client.query(script);
    await client.query("SELECT set_config('search_path', $1, false)", [rows[0]?.path]);
    await client.query(
      `UPDATE _prisma_migrations SET finished_at = clock_timestamp(), applied_steps_count = 1
       WHERE id = $1`,
      [id],
    );
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw new MigrationError('FAILED', name, describe(name, script, error), error);
  }
}

function describe(name: string, script: string, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof DatabaseError)) return `The migration ${name} failed: ${message}`;
  // The position counts characters, not UTF-16 units.
  const before = [...script].slice(0, Number(error.position)).join('');
  const line = error.position === undefined ? '' : ` at line ${before.split('\n').length}`;
  const detail = error.detail === undefined ? '' : ` ${error.detail}`;
  return `The migration ${name} failed${line}: ${message}.${detail}`;
}
