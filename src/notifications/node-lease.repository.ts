import { randomInt } from 'node:crypto';
import { Logger } from '@nestjs/common';
import pg from 'pg';
import { reasonOf } from '../reasons.js';

const RETRY_MS = 1_000;
/** A server that has fallen silent is noticed by its missing answer; a connection that nobody uses tells nothing. */
const PING_MS = 5_000;
const ANSWER_MS = 5_000;

/**
 * That this node lives, for others to see: an advisory lock on a connection of its own, which PostgreSQL takes back when the
 * process dies. Without it for a moment, others may take over what this node has claimed, which doubles nothing.
 */
export class NodeLease {
  /** Names this node in what it claims. */
  readonly node = randomInt(2 ** 31);
  readonly #logger = new Logger('NodeLease');
  #client: pg.Client | undefined;
  #ping: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #isReleased = false;

  constructor(private readonly databaseUrl: string | undefined) {}

  async hold(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.databaseUrl,
      application_name: 'parley (node)',
      connectionTimeoutMillis: ANSWER_MS,
      query_timeout: ANSWER_MS,
      keepAlive: true,
    });
    this.#client = client;
    client.on('error', () => {
      this.#holdAgain(client);
    });
    client.on('end', () => {
      this.#holdAgain(client);
    });
    await client.connect();
    // A machine that falls silent is noticed within half a minute.
    await client.query(
      'SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3',
    );
    const { rows } = await client.query<{ isHeld: boolean }>(
      'SELECT hold_notifier_node($1) AS "isHeld"',
      [this.node],
    );
    if (rows[0]?.isHeld !== true)
      throw new Error('the server still keeps the session that this node has lost');
    this.#ping = setInterval(() => {
      client.query('SELECT').catch(() => {
        this.#holdAgain(client);
      });
    }, PING_MS);
  }

  async release(): Promise<void> {
    this.#isReleased = true;
    clearInterval(this.#ping);
    clearTimeout(this.#retry);
    await this.#client?.end().catch(() => undefined);
  }

  #holdAgain(lost: pg.Client): void {
    if (this.#isReleased || this.#client !== lost) return;
    this.#client = undefined;
    lost.end().catch(() => undefined);
    clearInterval(this.#ping);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      this.hold().catch((error: unknown) => {
        this.#logger.warn(`It is tried again: ${reasonOf(error)}`);
        if (this.#client !== undefined) this.#holdAgain(this.#client);
      });
    }, RETRY_MS);
  }
}
