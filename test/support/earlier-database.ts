import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { applyMigrations } from '../../src/database/migrations.js';
import type { TestDatabase } from './database.js';
import { createEmptyDatabase, scratchDirectory } from './database.js';

const FOLDER = path.join(import.meta.dirname, '../../prisma/migrations');

/** As it was before this migration; applyMigrations upgrades it. */
export async function createEarlierDatabase(migration: string): Promise<TestDatabase> {
  const database = await createEmptyDatabase();
  const earlier = await fs.mkdtemp(path.join(scratchDirectory(), 'migrations-'));
  for (const name of await fs.readdir(FOLDER))
    if (name < migration)
      await fs.cp(path.join(FOLDER, name), path.join(earlier, name), { recursive: true });
  await applyMigrations(database.url, earlier);
  await fs.rm(earlier, { recursive: true });
  return database;
}
