// The PostgreSQL of one test run, in a process of its own: it ends and cleans up when standard input ends,
// which it does however the run ends.
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { Client, escapeIdentifier } from 'pg';
import { startEmbeddedServer } from '../../src/database/embedded-server.js';
import { applyMigrations } from '../../src/database/migrations.js';

interface Server {
  url: string;
  /** Tells the databases of this run from those of others on the same server. */
  run: string;
  stop(): Promise<void>;
}

async function startOwnServer(): Promise<Server> {
  const { url, directory, stop } = await startEmbeddedServer({
    dataDir: path.join(scratch, 'server'),
    settings: { fsync: 'off', full_page_writes: 'off', autovacuum: 'off' },
  });
  return { url, run: '', stop: () => stop().then(() => remove(directory)) };
}

function useServer(url: string): Server {
  const run = `_${randomBytes(4).toString('hex')}`;
  const stop = (): Promise<void> =>
    withClient(url, async (client) => {
      await client.query(
        `ALTER DATABASE ${escapeIdentifier(`parley_template${run}`)} IS_TEMPLATE false`,
      );
      const { rows } = await client.query<{ datname: string }>(
        'SELECT datname FROM pg_database WHERE datname = $1 OR starts_with(datname, $2)',
        [`parley_template${run}`, `parley_test${run}_`],
      );
      for (const { datname } of rows)
        await client.query(`DROP DATABASE ${escapeIdentifier(datname)} WITH (FORCE)`);
    });
  return { url, run, stop };
}

const remove = (directory: string): Promise<void> =>
  fs.rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });

async function withClient(url: string, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

async function createTemplate({ url, run }: Server): Promise<string> {
  const name = `parley_template${run}`;
  await withClient(url, async (client) => {
    await client.query(`CREATE DATABASE ${escapeIdentifier(name)}`);
    const template = new URL(url);
    template.pathname = name;
    await applyMigrations(template.href);
    // Nobody may be connected to a database that is being cloned.
    await client.query(
      `ALTER DATABASE ${escapeIdentifier(name)} IS_TEMPLATE true ALLOW_CONNECTIONS false`,
    );
  });
  return name;
}

const ended = new Promise((resolve) => process.stdin.resume().once('end', resolve));
const scratch = await fs.mkdtemp(path.join(tmpdir(), 'parley-test-'));
// PostgreSQL runs as another account when the tests run as root.
await fs.chmod(scratch, 0o755);
const given = process.env.TEST_DATABASE_URL;
const server = given ? useServer(given) : await startOwnServer();
try {
  const template = await createTemplate(server);
  console.log(JSON.stringify({ url: server.url, template, scratch }));
  await ended;
} finally {
  await server.stop();
  await remove(scratch);
}
