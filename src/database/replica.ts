import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { Injectable, Logger } from '@nestjs/common';
import pg from 'pg';
import { Config } from '../config.js';
import { errorCode, reasonOf } from '../reasons.js';
import type { SqlValue } from './database.js';
import { Database } from './database.js';
import { takeRows } from './take-rows.js';

/** How long a statement may take, the wait for a connection included. What is asked here takes milliseconds. */
const PATIENCE_MS = 1_000;
/** How often a look is taken at it, and so how long it is left alone after it has failed. */
const LOOK_MS = 5_000;

/** Which database this is, the same on a primary and on its replicas; and which of the two this is. */
const IDENTITY = `SELECT (SELECT system_identifier FROM pg_control_system())::text || ':' ||
  (SELECT oid FROM pg_database WHERE datname = current_database())::text AS database, pg_is_in_recovery() AS "isReplica"`;

interface Identity {
  readonly database: string;
  readonly isReplica: boolean;
}

/** The server answers, but is not what DATABASE_REPLICA_URL should name. */
class NotOurReplica extends Error {}

/**
 * A streaming replica of the database, where DATABASE_REPLICA_URL names one. It may lag, and it may be away at any time:
 * whoever asks it must be able to do without an answer, and must find out from the answer how old it is.
 */
@Injectable()
export class Replica implements OnModuleInit, OnApplicationShutdown {
  readonly #pool: pg.Pool | undefined;
  readonly #logger = new Logger('Replica');
  #isUsable = false;
  /** What has been said of the present outage; undefined while there is none. */
  #trouble: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(
    private readonly database: Database,
    config: Config,
  ) {
    if (config.DATABASE_REPLICA_URL === undefined) return;
    this.#pool = new pg.Pool({
      ...database.pool.options,
      connectionString: config.DATABASE_REPLICA_URL,
      connectionTimeoutMillis: PATIENCE_MS,
      query_timeout: PATIENCE_MS,
      statement_timeout: PATIENCE_MS,
      lock_timeout: PATIENCE_MS,
      // A name may lead to another server tomorrow, so no connection stays that is not used, and each shows where it leads before it is.
      idleTimeoutMillis: 30_000,
      verify: (client, done) => {
        this.#verify(client).then(() => {
          done();
        }, done);
      },
    });
    // An idle connection that breaks is noticed by the next statement, or by the next look.
    this.#pool.on('error', () => undefined);
  }

  /** The start does not wait for it: a node serves without. */
  onModuleInit(): void {
    void this.#look();
  }

  async onApplicationShutdown(): Promise<void> {
    this.#isStopped = true;
    this.#isUsable = false;
    clearTimeout(this.#timer);
    await this.#pool?.end();
  }

  /** Why it is not in use, in the words of the log; undefined while it is, and before the first look. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Whether it is worth asking: it is there, it is ours, and the last one to ask had an answer. */
  get isUsable(): boolean {
    return this.#isUsable;
  }

  /**
   * Runs one statement, prepared under `name`.
   * @returns null where there is no answer, soon and for whatever reason; it never throws
   */
  async rows<Row extends object>(
    name: string,
    text: string,
    values: readonly SqlValue[],
  ): Promise<Row[] | null> {
    if (!this.#isUsable) return null;
    try {
      return await this.#query<Row>(name, text, values);
    } catch (error) {
      this.#leave(error);
      return null;
    }
  }

  async #query<Row extends object>(
    name: string,
    text: string,
    values: readonly SqlValue[],
  ): Promise<Row[]> {
    if (this.#pool === undefined) throw new Error('BUG: there is no replica');
    return takeRows(await soon(this.#pool.query<Row>({ name, text, values: [...values] })));
  }

  async #verify(client: pg.PoolClient): Promise<void> {
    const [ours, { rows }] = await Promise.all([
      this.database.row<Identity>('database_identity', IDENTITY, []),
      client.query<Identity>(IDENTITY),
    ]);
    if (rows[0]?.database !== ours.database)
      throw new NotOurReplica('DATABASE_REPLICA_URL leads to another database than DATABASE_URL');
    requireReplica(rows[0].isReplica);
  }

  /** Takes it (back) into use, or out of it; also notices a promotion while nobody asks. */
  async #look(): Promise<void> {
    if (this.#pool === undefined || this.#isStopped) return;
    try {
      const [row] = await this.#query<Identity>('database_identity', IDENTITY, []);
      requireReplica(row?.isReplica === true);
      if (!this.#isUsable) this.#take();
    } catch (error) {
      this.#leave(error);
    }
    this.#timer = setTimeout(() => void this.#look(), LOOK_MS).unref();
  }

  #take(): void {
    if (this.#isStopped) return;
    this.#isUsable = true;
    this.#trouble = undefined;
    this.#logger.log('The read replica is in use.');
  }

  /** Said once per outage, and not once per read. */
  #leave(error: unknown): void {
    if (isOfStatement(error)) return;
    this.#isUsable = false;
    const isForeign = error instanceof NotOurReplica;
    const trouble = isForeign ? error.message : 'away';
    if (this.#isStopped || this.#trouble === trouble) return;
    this.#trouble = trouble;
    if (isForeign) this.#logger.error(`The read replica is not used: ${trouble}.`);
    else
      this.#logger.warn(
        `The read replica does not answer, the primary does its work: ${reasonOf(error)}`,
      );
  }
}

function requireReplica(isReplica: boolean): void {
  if (!isReplica)
    throw new NotOurReplica('DATABASE_REPLICA_URL leads to a server that is not a standby');
}

/** Cancelled by the replay (class 40), or wrong in itself (22): this says nothing about the next statement. */
const isOfStatement = (error: unknown): boolean => /^(22|40)...$/.test(errorCode(error) ?? '');

/** The wait for a connection and the statement have a bound each; this is the one for both. */
async function soon<Result>(work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const bound = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer within ${PATIENCE_MS} ms`));
    }, PATIENCE_MS);
  });
  try {
    return await Promise.race([work, bound]);
  } finally {
    clearTimeout(timer);
  }
}
