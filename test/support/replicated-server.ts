import * as fs from 'node:fs/promises';
import path from 'node:path';
import type { QueryResultRow } from 'pg';
import { Client } from 'pg';
import { findPlace } from '../../src/database/embedded-place.js';
import { findPostmaster } from '../../src/database/embedded-process.js';
import type { EmbeddedServer } from '../../src/database/embedded-server.js';
import { startEmbeddedServer } from '../../src/database/embedded-server.js';
import { applyMigrations } from '../../src/database/migrations.js';
import { until } from './app.js';

/** The password is in both clusters, for one is a copy of the other. */
const PASSWORD = 'postgresql.password';

/** Nothing but what a test does is to be replayed. */
const SETTINGS = { fsync: 'off', autovacuum: 'off' };

/** A PostgreSQL with a streaming replica, whose lag the test decides. */
export class ReplicatedServer {
  readonly #dataDir: string;
  readonly #port: number;
  #replica: EmbeddedServer;
  #frozen: number[] = [];

  private constructor(
    private readonly primary: EmbeddedServer,
    replica: EmbeddedServer,
    dataDir: string,
  ) {
    this.#replica = replica;
    this.#dataDir = dataDir;
    this.#port = Number(new URL(replica.url).port);
  }

  /** @param directory for both, made where it is not there */
  static async start(directory: string): Promise<ReplicatedServer> {
    const [dataDir, copyDir] = [path.join(directory, 'primary'), path.join(directory, 'replica')];
    const original = await startEmbeddedServer({ dataDir, settings: SETTINGS });
    await applyMigrations(original.url);
    // The copy of a server that was shut down in order needs no backup mode.
    await original.stop();
    await copyCluster(dataDir, copyDir);
    const primary = await startEmbeddedServer({ dataDir, settings: SETTINGS });
    try {
      await follow(copyDir, primary.url);
      return new ReplicatedServer(primary, await startReplica(copyDir), copyDir);
    } catch (error) {
      await primary.stop();
      throw error;
    }
  }

  get url(): string {
    return this.primary.url;
  }

  get replicaUrl(): string {
    return this.#replica.url;
  }

  onPrimary<Row extends QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    return query<Row>(this.primary.url, text, values);
  }

  onReplica<Row extends QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    return query<Row>(this.#replica.url, text, values);
  }

  configurePrimary(setting: string, value: string): Promise<void> {
    return configure(this.primary.url, setting, value);
  }

  configureReplica(setting: string, value: string): Promise<void> {
    return configure(this.#replica.url, setting, value);
  }

  /** Waits until the replica shows everything that the primary has committed by now. */
  async catchUp(): Promise<void> {
    const [now] = await this.onPrimary<{ lsn: string }>(
      'SELECT pg_current_wal_insert_lsn() AS lsn',
    );
    await until(async () => {
      const [there] = await this.onReplica<{ reached: boolean }>(
        'SELECT pg_last_wal_replay_lsn() >= $1 AS reached',
        [now?.lsn],
      );
      return there?.reached === true;
    }, 'the replica has caught up');
  }

  /** From now on the replica receives what the primary writes, and shows none of it. */
  async pause(): Promise<void> {
    await this.onReplica('SELECT pg_wal_replay_pause()');
    await until(async () => {
      const [row] = await this.onReplica<{ state: string }>(
        'SELECT pg_get_wal_replay_pause_state() AS state',
      );
      return row?.state === 'paused';
    }, 'the replay has paused');
  }

  async resume(): Promise<void> {
    await this.onReplica('SELECT pg_wal_replay_resume()');
    await this.catchUp();
  }

  /** It becomes a server of its own, with all that it has received, and takes writes. */
  async promoteReplica(): Promise<void> {
    await this.onReplica('SELECT pg_promote(false)');
    await until(async () => {
      const [row] = await this.onReplica<{ promoted: boolean }>(
        'SELECT NOT pg_is_in_recovery() AS promoted',
      );
      return row?.promoted === true;
    }, 'the replica is promoted');
  }

  async stopReplica(): Promise<void> {
    await this.#replica.stop();
  }

  async startReplica(): Promise<void> {
    this.#replica = await startReplica(this.#dataDir, this.#port);
  }

  /** The replica keeps its connections, takes new ones, and says nothing. */
  async freezeReplica(): Promise<void> {
    const postmaster = await findPostmaster((await findPlace(this.#dataDir)).cluster);
    if (postmaster === undefined) throw new Error('The replica does not run.');
    const serving = await this.onReplica<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
    );
    this.#frozen = [postmaster.pid, ...serving.map(({ pid }) => pid)];
    for (const pid of this.#frozen) process.kill(pid, 'SIGSTOP');
  }

  thawReplica(): void {
    for (const pid of this.#frozen) process.kill(pid, 'SIGCONT');
    this.#frozen = [];
  }

  async stop(): Promise<void> {
    this.thawReplica();
    await this.#replica.stop();
    await this.primary.stop();
  }
}

const startReplica = (dataDir: string, port?: number): Promise<EmbeddedServer> =>
  startEmbeddedServer({
    dataDir,
    settings: { ...SETTINGS, wal_retrieve_retry_interval: '100ms' },
    ...(port === undefined ? {} : { port }),
  });

async function copyCluster(from: string, to: string): Promise<void> {
  await fs.mkdir(to);
  await fs.copyFile(path.join(from, PASSWORD), path.join(to, PASSWORD));
  const [source, target] = [await findPlace(from), await findPlace(to)];
  await fs.cp(source.cluster, target.cluster, { recursive: true });
  await fs.chmod(target.cluster, 0o700);
  await giveTo(target.account, target.cluster);
}

/** Makes it a standby of that server. */
async function follow(dataDir: string, primaryUrl: string): Promise<void> {
  const { cluster, account } = await findPlace(dataDir);
  const { hostname, port, username, password } = new URL(primaryUrl);
  const line = `primary_conninfo = 'host=${hostname} port=${port} user=${username} password=${password}'\n`;
  await fs.appendFile(path.join(cluster, 'postgresql.auto.conf'), line);
  await fs.writeFile(path.join(cluster, 'standby.signal'), '');
  await giveTo(account, cluster);
}

/** PostgreSQL runs as another account when the tests run as root. */
async function giveTo(
  account: { uid: number; gid: number } | undefined,
  directory: string,
): Promise<void> {
  if (account === undefined) return;
  for (const entry of await fs.readdir(directory, { recursive: true }))
    await fs.lchown(path.join(directory, entry), account.uid, account.gid);
  await fs.lchown(directory, account.uid, account.gid);
}

/** Changes a setting while the server runs; new connections have it from then on. */
async function configure(url: string, setting: string, value: string): Promise<void> {
  await query(url, `ALTER SYSTEM SET ${setting} = '${value}'`, []);
  await query(url, 'SELECT pg_reload_conf()', []);
  await until(async () => {
    const [row] = await query(url, 'SELECT current_setting($1) AS value', [setting]);
    return row?.value === value;
  }, `${setting} is ${value}`);
}

async function query<Row extends QueryResultRow>(
  url: string,
  text: string,
  values: unknown[],
): Promise<Row[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 3_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}
