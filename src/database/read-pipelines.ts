import type pg from 'pg';
import { takeRows } from './take-rows.js';

/** Statements that a connection is given at a time; more take another connection. */
const DEPTH = 16;
/** A statement that takes longer is no small read: what comes now takes another connection instead of waiting behind it. */
const SLOW_MS = 50;

/**
 * Sends reads down connections that are answering others already, without waiting for those answers (pg's pipeline mode,
 * each statement a transaction of its own). It buys a third of what PostgreSQL and Node.js do for a page, for neither has
 * to be woken for each of them (docs/performance.md). Reads alone, for they wait for nobody's lock.
 */
export class ReadPipelines {
  readonly #open = new Set<Pipeline>();

  /**
   * @param pool whose clients are in pipeline mode
   * @param most connections that may be taken from it: under load they are not given back, and writes need some too
   */
  constructor(
    private readonly pool: pg.Pool,
    private readonly most: number,
  ) {}

  query<Row extends object>(query: pg.QueryConfig): Promise<Row[]> {
    const usable = [...this.#open].filter(({ isBroken }) => !isBroken);
    const free = usable.find(({ isFree }) => isFree);
    if (free !== undefined) return free.query(query);
    if (usable.length >= this.most) return leastLoaded(usable).query(query);
    const pipeline = new Pipeline(this.pool.connect(), () => this.#open.delete(pipeline));
    this.#open.add(pipeline);
    return pipeline.query(query);
  }
}

/** A connection while it answers reads: from the pool for the first of them, and back to it after the last. */
class Pipeline {
  underWay = 0;
  isBroken = false;
  /** Since when the statement in front is the one that is executed; nothing is before there is a connection. */
  #frontSince = Infinity;
  readonly #onError = (): void => {
    this.isBroken = true;
  };

  constructor(
    private readonly client: Promise<pg.PoolClient>,
    private readonly onEmpty: () => void,
  ) {
    client.then(
      (connected) => {
        connected.on('error', this.#onError);
      },
      () => undefined,
    );
  }

  get isFree(): boolean {
    const isSlow = performance.now() - this.#frontSince > SLOW_MS;
    return this.underWay < DEPTH && !isSlow;
  }

  async query<Row extends object>(query: pg.QueryConfig): Promise<Row[]> {
    this.underWay += 1;
    try {
      const client = await this.client;
      if (this.#frontSince === Infinity) this.#frontSince = performance.now();
      return takeRows(await client.query<Row>(query));
    } finally {
      this.#frontSince = performance.now();
      this.underWay -= 1;
      if (this.underWay === 0) this.#end();
    }
  }

  #end(): void {
    this.onEmpty();
    this.client.then(
      (client) => {
        client.removeListener('error', this.#onError);
        // The pool drops it where it is broken.
        client.release();
      },
      () => undefined,
    );
  }
}

const leastLoaded = (pipelines: readonly Pipeline[]): Pipeline =>
  pipelines.reduce((least, each) => (each.underWay < least.underWay ? each : least));
