import { execFile } from 'node:child_process';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { promisify } from 'node:util';
import type { Client } from 'pg';
import { type Binaries, childEnvironment, identity } from './embedded-binaries.js';
import { EmbeddedServerError } from './embedded-errors.js';
import type { Place } from './embedded-place.js';

const run = promisify(execFile);

/** Makes the cluster unless it exists. It appears whole or not at all, also when several try at once. */
export async function createCluster(
  place: Place,
  binaries: Binaries,
  password: string,
  synchronise: boolean,
  signal?: AbortSignal,
): Promise<void> {
  if (!(await isThere(place))) await make(place, binaries, password, synchronise, signal);
  await removeDrafts(place);
}

const draftOf = ({ cluster }: Place): string => `${cluster}.new-`;

async function make(
  place: Place,
  binaries: Binaries,
  password: string,
  synchronise: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { account, cluster } = place;
  const draft = await fs.mkdtemp(draftOf(place));
  try {
    const passwordFile = path.join(draft, 'password');
    await fs.writeFile(passwordFile, password, { mode: 0o600 });
    if (account)
      for (const each of [passwordFile, draft]) await fs.chown(each, account.uid, account.gid);
    const data = path.join(draft, 'data');
    signal?.throwIfAborted();
    const initdb = run(
      binaries.initdb,
      [
        ['-D', data, '-U', 'parley', `--pwfile=${passwordFile}`, '--auth=scram-sha-256'],
        ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
        synchronise ? [] : ['--no-sync'],
      ].flat(),
      { ...identity(account), cwd: draft, env: childEnvironment },
    );
    // Not by execFile itself, which would not wait for its end.
    signal?.addEventListener('abort', () => initdb.child.kill());
    await initdb;
    await fs.rename(data, cluster);
  } catch (error) {
    if (!(await isThere(place))) throw initdbFailed(error);
  } finally {
    await fs.rm(draft, { recursive: true, force: true });
  }
}

/**
 * What killed starts have left. Whoever still works on a draft loses nothing: once the cluster is there, every start goes on
 * with it, however its own initdb ends.
 */
async function removeDrafts(place: Place): Promise<void> {
  const home = path.dirname(place.cluster);
  for (const name of await fs.readdir(home)) {
    const file = path.join(home, name);
    if (file.startsWith(draftOf(place)))
      await fs.rm(file, { recursive: true, force: true }).catch(() => undefined);
  }
}

function initdbFailed(error: unknown): EmbeddedServerError {
  const { stderr } = error as { stderr?: string };
  return new EmbeddedServerError(
    `initdb could not make the database: ${stderr?.trim() || String(error)}`,
    { cause: error },
  );
}

const isThere = ({ cluster }: Place): Promise<boolean> =>
  fs.access(path.join(cluster, 'PG_VERSION')).then(
    () => true,
    () => false,
  );

export async function createDatabase(client: Client): Promise<void> {
  const { rowCount } = await client.query("SELECT FROM pg_database WHERE datname = 'parley'");
  if (!rowCount) await client.query('CREATE DATABASE parley');
}
