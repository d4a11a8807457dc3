import type { OnApplicationShutdown } from '@nestjs/common';
import { Injectable, Logger } from '@nestjs/common';
import type { Runner, TaskList, WorkerSharedOptions } from 'graphile-worker';
import pg from 'pg';
import { Config } from '../config.js';
import { StartError } from '../errors.js';
import { reasonOf } from '../reasons.js';
import { NodeLease } from './node-lease.repository.js';

/** One connection listens for jobs, two fetch and finish them. */
const CONNECTIONS = 3;
const CONCURRENCY = 3;
const AGAIN_MS = 1_000;
const LEVELS = { error: 'error', warning: 'warn', info: 'debug', debug: 'verbose' } as const;

/** Loaded by nodes that send mail: the others start without it. */
const graphileWorker = () => import('graphile-worker');

/**
 * The job queue in PostgreSQL (graphile-worker, schema graphile_worker), which all nodes share, on a small pool of its
 * own. The handlers use the application's pool like everybody else.
 */
@Injectable()
export class JobQueue implements OnApplicationShutdown {
  readonly #logger = new Logger('JobQueue');
  readonly #lease: NodeLease;
  #pool: pg.Pool | undefined;
  #runner: Runner | undefined;
  /** Of runners that have been replaced. */
  #ended: Promise<unknown> = Promise.resolve();
  #isStopped = false;

  constructor(private readonly config: Config) {
    this.#lease = new NodeLease(config.DATABASE_URL);
  }

  /** Names this node in what it claims, for as long as it lives. */
  get node(): number {
    return this.#lease.node;
  }

  /** Applies the library's own migrations; from then on the SQL functions can add jobs. */
  async prepare(): Promise<void> {
    this.#pool = new pg.Pool({
      connectionString: this.config.DATABASE_URL,
      application_name: 'parley (jobs)',
      max: CONNECTIONS,
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
    });
    this.#pool.on('error', (error) => this.#logger.warn(`A connection broke: ${error.message}`));
    const { runMigrations } = await graphileWorker();
    const logger = await this.#workerLogger();
    await runMigrations({ pgPool: this.#pool, logger }).catch(refuseStart);
  }

  /** Works until stop(); what another node works on is not touched. */
  async work(taskList: TaskList): Promise<void> {
    await this.#lease.hold().catch(refuseStart);
    await this.#begin(taskList).catch(refuseStart);
  }

  /** Takes no more jobs and waits for those that run. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([this.#ended, this.#runner?.stop()]);
    this.#runner = undefined;
  }

  async #begin(taskList: TaskList): Promise<void> {
    if (this.#pool === undefined) throw new Error('BUG: prepare() comes first');
    const { run } = await graphileWorker();
    const logger = await this.#workerLogger();
    const runner = await run({
      pgPool: this.#pool,
      taskList,
      concurrency: CONCURRENCY,
      // What becomes due is found so late at the latest; what is due at once is told by LISTEN.
      pollInterval: this.config.NOTIFIER_SWEEP_MS,
      // One clock decides when a mail is due, and it is the node's.
      useNodeTime: true,
      noHandleSignals: true,
      parsedCronItems: [],
      logger,
    });
    if (this.#isStopped) {
      await runner.stop();
      return;
    }
    this.#runner = runner;
    runner.events.once('worker:fatalError', () => {
      if (!this.#isStopped) void this.#replace(taskList);
    });
  }

  /**
   * A worker of the library ends for good where the database does not take down what became of its job, and nobody takes its
   * place. So all are replaced with the first; what the others are doing they end.
   */
  async #replace(taskList: TaskList): Promise<void> {
    this.#ended = Promise.all([this.#ended, this.#runner?.stop()]);
    this.#runner = undefined;
    while (!this.#isStopped) {
      try {
        await this.#begin(taskList);
        return;
      } catch (error) {
        this.#logger.warn(`The mail queue is started again: ${reasonOf(error)}`);
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#lease.release();
    await this.#pool?.end();
  }

  async #workerLogger(): Promise<NonNullable<WorkerSharedOptions['logger']>> {
    const { Logger: WorkerLogger } = await graphileWorker();
    return new WorkerLogger(() => (level, message) => {
      this.#logger[LEVELS[level]](message);
    });
  }
}

function refuseStart(error: unknown): never {
  throw new StartError(
    `The database (DATABASE_URL) does not let the mail queue start: ${reasonOf(error)}. With SMTP_URL ` +
      'its role needs CREATE on the database, for the schema graphile_worker, and four more connections for each node.',
    { cause: error },
  );
}
