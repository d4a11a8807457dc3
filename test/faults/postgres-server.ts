import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { Client } from 'pg';
import { findBinaries, type Binaries } from '../../src/database/embedded-binaries.js';
import { createCluster } from '../../src/database/embedded-cluster.js';
import {
  copiesOfBinaries,
  findPlace,
  passwordOf,
  type Place,
} from '../../src/database/embedded-place.js';
import { freePort, spawnPostgres, type Attempt } from '../../src/database/embedded-process.js';
import { descendantsOf, endWithUs, hasEnded, signalAll } from './processes.js';
import { sleep, within } from './random.js';

const START_MS = 60_000;

/** A PostgreSQL that keeps its promises (fsync is on), to be killed and stopped. */
export class PostgresServer {
  #attempt: Attempt | undefined;

  private constructor(
    readonly port: number,
    private readonly directory: string,
    private readonly place: Place,
    private readonly binaries: Binaries,
    private readonly password: string,
    private readonly settings: Readonly<Record<string, string>>,
  ) {
    endWithUs(() => this.#pids(), directory);
  }

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<PostgresServer> {
    const directory = await fs.mkdtemp(path.join(tmpdir(), 'parley-faults-'));
    // PostgreSQL runs as another account when this runs as root.
    await fs.chmod(directory, 0o755);
    const place = await findPlace(directory);
    const binaries = await findBinaries(place.account, () => copiesOfBinaries(place));
    const password = await passwordOf(place);
    await createCluster(place, binaries, password, false);
    const server = new PostgresServer(
      await freePort(),
      directory,
      place,
      binaries,
      password,
      settings,
    );
    await server.start();
    await server.query('postgres', 'CREATE DATABASE parley');
    return server;
  }

  /** @param port of a proxy before it; its own unless told */
  url(port = this.port): string {
    return `postgresql://parley:${this.password}@127.0.0.1:${port}/parley`;
  }

  /** Starts it and waits until it has recovered. */
  async start(): Promise<void> {
    const end = Date.now() + START_MS;
    while (Date.now() < end) {
      // After a kill it may find its predecessor's shared memory still in use.
      if (this.#attempt === undefined || hasEnded(this.#attempt.child))
        this.#attempt = await spawnPostgres(this.place, this.binaries, this.port, this.settings);
      if (await this.#answers()) return;
      await sleep(20);
    }
    throw new Error(`PostgreSQL did not start. ${(await this.#attempt?.output()) ?? ''}`);
  }

  /** kill -9 of all its processes at once: what it had not given to the operating system is gone. */
  async kill(): Promise<void> {
    const child = this.#attempt?.child;
    child?.ref();
    const pids = this.#pids();
    signalAll(pids, 'SIGSTOP');
    signalAll([...new Set([...pids, ...this.#pids()])], 'SIGKILL');
    if (child !== undefined && !hasEnded(child)) await once(child, 'exit');
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    signalAll(this.#pids(), signal);
  }

  /** On a connection of its own, past every proxy. */
  async query<Row extends object>(
    database: string,
    text: string,
    values: unknown[] = [],
  ): Promise<Row[]> {
    const url = new URL(this.url());
    url.pathname = database;
    const client = new Client({ connectionString: url.href, connectionTimeoutMillis: 3_000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return (await client.query<Row>(text, values)).rows;
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  async remove(): Promise<void> {
    await this.kill();
    await within(5_000, 'its processes are gone', () => this.#pids().length === 0);
    for (const each of new Set([this.directory, this.place.home]))
      await fs.rm(each, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  #pids(): number[] {
    const child = this.#attempt?.child;
    if (child?.pid === undefined || hasEnded(child)) return [];
    return [child.pid, ...descendantsOf(child.pid)];
  }

  #answers(): Promise<boolean> {
    return this.query('postgres', 'SELECT 1').then(
      () => true,
      () => false,
    );
  }
}
