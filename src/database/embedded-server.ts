import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { errorCode } from '../reasons.js';
import { type Binaries, findBinaries } from './embedded-binaries.js';
import { createCluster, createDatabase } from './embedded-cluster.js';
import {
  AlreadyRunningError,
  EmbeddedServerError,
  toEmbeddedServerError,
} from './embedded-errors.js';
import { copiesOfBinaries, findPlace, passwordOf, type Place } from './embedded-place.js';
import {
  type Attempt,
  findPostmaster,
  freePort,
  removeForeignPidFile,
  spawnPostgres,
  stopPostmaster,
} from './embedded-process.js';

export interface EmbeddedServerOptions {
  dataDir: string;
  log?: (line: string) => void;
  port?: number;
  /** Settings of PostgreSQL over those of parley; tests turn fsync off here. */
  settings?: Readonly<Record<string, string>>;
  /** Gives the start up, which then fails, once nothing of it runs any more. */
  signal?: AbortSignal;
}

export interface EmbeddedServer {
  /** The database `parley`, as its superuser. */
  url: string;
  /** Where the cluster really lies; elsewhere than in dataDir when root cannot share that. */
  directory: string;
  stop(): Promise<void>;
}

const ownershipLock = 7_041_958;
const startPatience = 120_000;
const restartsPerMinute = 5;

/**
 * Brings up PostgreSQL on the data directory and owns it until stop(). The owner is whoever holds an
 * advisory lock in it, so the PostgreSQL of a killed run is simply taken over by the next one.
 */
export async function startEmbeddedServer(options: EmbeddedServerOptions): Promise<EmbeddedServer> {
  try {
    return await start(options);
  } catch (error) {
    throw toEmbeddedServerError(error);
  }
}

async function start(options: EmbeddedServerOptions): Promise<EmbeddedServer> {
  const place = await findPlace(options.dataDir);
  const binaries = await findBinaries(place.account, () => copiesOfBinaries(place));
  const password = await passwordOf(place);
  const synchronise = options.settings?.fsync !== 'off';
  await createCluster(place, binaries, password, synchronise, options.signal);
  const owner = new Owner(options, place, binaries, password);
  await owner.start();
  return { url: owner.url, directory: place.home, stop: () => owner.stop() };
}

class Owner {
  private port: number | undefined;
  private attempt: Attempt | undefined;
  private lock: Client | undefined;
  private recovery: Promise<void> = Promise.resolve();
  private restarts: number[] = [];
  private stopped: Promise<void> | undefined;
  /** Another process took the server over while our lock was lost: it is not ours to stop. */
  private dispossessed = false;

  constructor(
    private readonly options: EmbeddedServerOptions,
    private readonly place: Place,
    private readonly binaries: Binaries,
    private readonly password: string,
  ) {}

  get url(): string {
    return `postgresql://parley:${this.password}@127.0.0.1:${this.port}/parley`;
  }

  async start(): Promise<void> {
    try {
      await createDatabase(await this.own());
      if (this.isStopping()) throw new EmbeddedServerError('Stopped.');
    } catch (error) {
      const lock = this.lock;
      this.lock = undefined;
      this.stopped = Promise.resolve();
      const pid = lock ? (await findPostmaster(this.place.cluster))?.pid : this.ownPid;
      if (!(error instanceof AlreadyRunningError)) await this.stopPostmaster(pid);
      void lock?.end().catch(() => undefined);
      throw error;
    }
  }

  stop(): Promise<void> {
    this.stopped ??= this.shutDown();
    return this.stopped;
  }

  private isStopping(): boolean {
    return this.stopped !== undefined || this.options.signal?.aborted === true;
  }

  /** Of the PostgreSQL that we have started, while it runs; its pid file comes later. */
  private get ownPid(): number | undefined {
    const { child } = this.attempt ?? {};
    return child?.exitCode === null && child.signalCode === null ? child.pid : undefined;
  }

  private stopPostmaster(pid: number | undefined): Promise<void> {
    return stopPostmaster(this.place.cluster, pid, this.binaries);
  }

  private async shutDown(): Promise<void> {
    await Promise.race([this.recovery, delay(400, undefined, { ref: false })]);
    // The lock goes last: until PostgreSQL is down, nobody else may take it over.
    if (!this.dispossessed)
      await this.stopPostmaster((await findPostmaster(this.place.cluster))?.pid ?? this.ownPid);
    void this.lock?.end().catch(() => undefined);
    this.lock = undefined;
  }

  /** Reaches a PostgreSQL on our cluster, starting one where none runs, and takes the ownership. */
  private async own(): Promise<Client> {
    const end = Date.now() + startPatience;
    let problem = '';
    while (Date.now() < end) {
      if (this.isStopping()) throw new EmbeddedServerError('Stopped.');
      const postmaster = await findPostmaster(this.place.cluster);
      if (!postmaster) {
        problem = (await this.startPostgres()) ?? problem;
      } else {
        try {
          return await this.takeLock(postmaster.port);
        } catch (error) {
          problem = this.bearable(error);
        }
      }
      await delay(50);
    }
    const output = await this.attempt?.output();
    throw new EmbeddedServerError(
      ['PostgreSQL did not become ready in time.', problem, output ?? ''].join('\n').trim(),
    );
  }

  /** Starts PostgreSQL unless our last start is still under way; answers what went wrong with that one. */
  private async startPostgres(): Promise<string | undefined> {
    if (this.ownPid !== undefined) return;
    const output = await this.attempt?.output();
    this.attempt = undefined;
    // These pass: another start was faster, a predecessor's processes are still ending, a port was taken.
    const passing =
      /lock file .* already exists|still in use/.test(output ?? '') ||
      (/Address already in use/.test(output ?? '') && !this.portIsGiven);
    if (output !== undefined && !passing)
      throw new EmbeddedServerError(`PostgreSQL does not start. Its log says:\n${output}`);
    await removeForeignPidFile(this.place.cluster);
    const port = this.port ?? this.options.port ?? (await freePort());
    this.attempt = await spawnPostgres(
      this.place,
      this.binaries,
      port,
      this.options.settings ?? {},
    );
    return output;
  }

  private get portIsGiven(): boolean {
    return this.port === undefined && this.options.port !== undefined;
  }

  private async takeLock(port: number): Promise<Client> {
    const client = new Client({
      host: '127.0.0.1',
      port,
      user: 'parley',
      password: this.password,
      database: 'postgres',
      application_name: 'parley (owner)',
      ssl: false,
      connectionTimeoutMillis: 3_000,
      keepAlive: true,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query("SET lock_timeout = '1s'");
      await client.query('SELECT pg_advisory_lock($1)', [ownershipLock]);
    } catch (error) {
      void client.end().catch(() => undefined);
      throw error;
    }
    this.port = port;
    this.lock = client;
    client.once('end', () => this.lost(client));
    return client;
  }

  /** Passes on what waiting does not help against. */
  private bearable(error: unknown): string {
    const code = errorCode(error);
    if (code === '55P03') throw new AlreadyRunningError(this.place.dataDir);
    if (code === '28P01' || code === '28000')
      throw new EmbeddedServerError(
        `The password in ${this.place.dataDir}/postgresql.password is not that of the database there.`,
        { cause: error },
      );
    return String(error);
  }

  private lost(client: Client): void {
    if (this.stopped || this.lock !== client) return;
    this.lock = undefined;
    this.recovery = this.recover();
  }

  private async recover(): Promise<void> {
    const log = this.options.log ?? (() => undefined);
    log('The connection to PostgreSQL was lost; restarting it where it has ended.');
    while (!this.stopped) {
      const now = Date.now();
      this.restarts = [...this.restarts.filter((at) => at > now - 60_000), now];
      if (this.restarts.length > restartsPerMinute) {
        log(
          'PostgreSQL ends again and again; giving up. See postgresql.log in the data directory.',
        );
        return;
      }
      try {
        await this.own();
        this.dispossessed = false;
        log('PostgreSQL is back.');
        return;
      } catch (error) {
        if (this.isStopping()) return;
        this.dispossessed = error instanceof AlreadyRunningError;
        log(error instanceof Error ? error.message : String(error));
        await delay(250);
      }
    }
  }
}
