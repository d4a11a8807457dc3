import type { OnApplicationShutdown } from '@nestjs/common';
import { Injectable, Logger } from '@nestjs/common';
import pg from 'pg';
import { Config } from '../config.js';
import type { PrismaClient } from '../generated/prisma/client.js';
import { isRaced, isTransient, toAppError } from './database-errors.js';
import { toInstant } from '../instants.js';
import { ReadPipelines } from './read-pipelines.js';
import { takeRows } from './take-rows.js';

/** bigint: positions stay far below 2^53. */
const INT8 = 20;
/** timestamptz: it stays text, see instants.ts. */
const TIMESTAMPTZ = 1184;
const ATTEMPTS = 4;

/** The values a statement can be given; `undefined` is not among them, for it would silently mean null. */
export type SqlValue =
  | string
  | number
  | boolean
  | Date
  | Uint8Array
  | null
  | readonly (string | null)[]
  | readonly number[];

/**
 * PostgreSQL by two doors on one pool: Prisma's client, and named prepared statements for the functions of
 * prisma/migrations and for reads that Prisma cannot say in one round trip.
 */
@Injectable()
export class Database implements OnApplicationShutdown {
  readonly pool: pg.Pool;
  readonly #reads: ReadPipelines;
  readonly #logger = new Logger('Database');
  #prisma: Promise<PrismaClient> | undefined;

  constructor(config: Config) {
    const types = new pg.TypeOverrides();
    types.setTypeParser(INT8, Number);
    types.setTypeParser(TIMESTAMPTZ, toInstant);
    this.pool = new pg.Pool({
      connectionString: config.DATABASE_URL,
      application_name: 'parley',
      max: config.DATABASE_POOL_SIZE,
      types,
      // Every wait is bounded: an overloaded or absent database is an error within seconds, not a hang.
      connectionTimeoutMillis: 3_000,
      query_timeout: 15_000,
      statement_timeout: 10_000,
      lock_timeout: 8_000,
      idle_in_transaction_session_timeout: 10_000,
      // A new connection plans each statement anew, while somebody waits: what is open stays open.
      idleTimeoutMillis: 0,
      keepAlive: true,
      // So one that has silently gone is noticed within 20 s (ten probes, a second apart), and no firewall forgets it.
      keepAliveInitialDelayMillis: 10_000,
      // Without a read under way it makes no difference.
      pipeline: true,
    });
    this.#reads = new ReadPipelines(this.pool, Math.floor(config.DATABASE_POOL_SIZE / 2));
    // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
    this.pool.on('error', (error) =>
      this.#logger.warn(`An idle connection broke: ${error.message}`),
    );
  }

  /** Loaded when it is first asked for, with its query compiler: a start does without. */
  prisma(): Promise<PrismaClient> {
    return (this.#prisma ??= openPrisma(this.pool));
  }

  /**
   * Runs one statement, prepared under `name`. Deadlocks, serialization failures, races for a key and broken connections are
   * tried again at once: everything that parley writes is idempotent. What has timed out is not.
   * @throws AppError SERVICE_UNAVAILABLE when the database cannot be reached or is too busy
   */
  rows<Row extends object>(
    name: string,
    text: string,
    values: readonly SqlValue[],
  ): Promise<Row[]> {
    return tryAgain(async () =>
      takeRows(await this.pool.query<Row>({ name, text, values: [...values] })),
    );
  }

  /** The same for statements that give exactly one row. */
  async row<Row extends object>(
    name: string,
    text: string,
    values: readonly SqlValue[],
  ): Promise<Row> {
    return only(name, await this.rows<Row>(name, text, values));
  }

  /** As rows, for statements that only read, take no lock and are short, since others may wait behind them. */
  readRows<Row extends object>(
    name: string,
    text: string,
    values: readonly SqlValue[],
  ): Promise<Row[]> {
    return tryAgain(() => this.#reads.query<Row>({ name, text, values: [...values] }));
  }

  /** The same for statements that give exactly one row. */
  async readRow<Row extends object>(
    name: string,
    text: string,
    values: readonly SqlValue[],
  ): Promise<Row> {
    return only(name, await this.readRows<Row>(name, text, values));
  }

  async onApplicationShutdown(): Promise<void> {
    await (await this.#prisma)?.$disconnect();
    await this.pool.end();
  }
}

async function tryAgain<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === ATTEMPTS || !(isTransient(error) || isRaced(error))) throw toAppError(error);
    }
  }
}

function only<Row>(name: string, [row]: readonly Row[]): Row {
  if (row === undefined) throw new Error(`BUG: ${name} gave no row`);
  return row;
}

async function openPrisma(pool: pg.Pool): Promise<PrismaClient> {
  const [{ PrismaPg }, { PrismaClient }] = await Promise.all([
    import('@prisma/adapter-pg'),
    import('../generated/prisma/client.js'),
  ]);
  return new PrismaClient({ adapter: new PrismaPg(pool, { disposeExternalPool: false }) });
}
