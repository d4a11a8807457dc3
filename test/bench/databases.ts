import { randomBytes } from 'node:crypto';
import { Client, escapeIdentifier } from 'pg';
import { applyMigrations } from '../../src/database/migrations.js';
import { describeDifference, findDifferences } from '../../src/health/doctor.js';
import type { Sizes } from './data/ids.js';
import { parleySeed, plainSeed } from './data/seed.js';

/** parley: served. functions: a copy of it for pgbench, which no notifier looks at. limits: the plain tables. */
const NAMES = ['parley', 'functions', 'limits'] as const;
export type DatabaseName = (typeof NAMES)[number];

/** As every database of the benchmark counts them. */
const COUNT_MESSAGES = 'SELECT count(*)::integer AS count FROM messages';
const SHOWN_DIFFERENCES = 5;

/** The databases of one benchmark, all on one server. */
export class Databases {
  readonly #run = randomBytes(4).toString('hex');

  /** Messages that are there before any is sent, in each of the databases. */
  #seeded = 0;

  private constructor(private readonly serverUrl: string) {}

  static async create(
    serverUrl: string,
    sizes: Sizes,
    say: (line: string) => void,
  ): Promise<Databases> {
    const databases = new Databases(serverUrl);
    say('Filling the databases …');
    try {
      await databases.#fill(sizes);
      databases.#seeded = await databases.countMessages('parley');
    } catch (error) {
      await databases.drop();
      throw error;
    }
    return databases;
  }

  url(name: DatabaseName): string {
    const url = new URL(this.serverUrl);
    url.pathname = this.#nameOf(name);
    return url.href;
  }

  countMessages(name: DatabaseName): Promise<number> {
    return this.count(name, COUNT_MESSAGES);
  }

  /** Messages that are there because somebody sent them. */
  async countSent(name: DatabaseName): Promise<number> {
    return (await this.countMessages(name)) - this.#seeded;
  }

  /** @param sql gives one row with a `count` */
  count(name: DatabaseName, sql: string): Promise<number> {
    return this.#with(this.url(name), async (client) => {
      const { rows } = await client.query<{ count: number }>(sql);
      return rows[0]!.count;
    });
  }

  /** What the run before has left behind is cleared away now, and not while the next one is measured. */
  async settle(): Promise<void> {
    for (const name of NAMES)
      await this.#with(this.url(name), async (client) => {
        await client.query('VACUUM (SKIP_LOCKED)');
      });
  }

  /** Every counter, sequence and journal of parley's database, counted again. */
  async examine(): Promise<string[]> {
    const found: string[] = [];
    for await (const difference of findDifferences(this.url('parley'))) {
      found.push(describeDifference(difference));
      if (found.length === SHOWN_DIFFERENCES) break;
    }
    return found;
  }

  async version(): Promise<string> {
    return this.#with(this.serverUrl, async (client) => {
      const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
      return rows[0]!.server_version;
    });
  }

  async drop(): Promise<void> {
    await this.#with(this.serverUrl, async (client) => {
      for (const name of NAMES)
        await client.query(
          `DROP DATABASE IF EXISTS ${escapeIdentifier(this.#nameOf(name))} WITH (FORCE)`,
        );
    });
  }

  async #fill(sizes: Sizes): Promise<void> {
    const [parley, functions, limits] = NAMES.map((name) => escapeIdentifier(this.#nameOf(name)));
    await this.#with(this.serverUrl, async (client) => {
      await client.query(`CREATE DATABASE ${parley!}`);
      await client.query(`CREATE DATABASE ${limits!}`);
    });
    await applyMigrations(this.url('parley'));
    await this.#seed('parley', parleySeed(sizes));
    await this.#with(this.serverUrl, async (client) => {
      await client.query(`CREATE DATABASE ${functions!} TEMPLATE ${parley!}`);
      const { rows } = await client.query<{ known: boolean }>(
        "SELECT to_regprocedure('uuidv7()') IS NOT NULL AS known",
      );
      await this.#seed(
        'limits',
        plainSeed(sizes, rows[0]!.known ? 'uuidv7()' : 'gen_random_uuid()'),
      );
    });
  }

  async #seed(name: DatabaseName, sql: string): Promise<void> {
    await this.#with(this.url(name), async (client) => {
      await client.query(sql);
      await client.query('VACUUM ANALYZE');
      await client.query('CHECKPOINT');
    });
  }

  #nameOf(name: DatabaseName): string {
    return `parley_bench_${this.#run}_${name}`;
  }

  async #with<Value>(url: string, work: (client: Client) => Promise<Value>): Promise<Value> {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }
}
