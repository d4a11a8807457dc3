import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from '../../src/database/embedded-process.js';

const START_MS = 10_000;

const onPath = (process.env.PATH ?? '')
  .split(path.delimiter)
  .map((folder) => path.join(folder, 'redis-server'))
  .find((file) => existsSync(file));

/** The program, where this machine has it. */
export const redisProgram = process.env.PARLEY_REDIS_SERVER ?? onPath;

/** CI has a Redis, so there its absence must fail and not be passed over. */
export const mayUseRedis =
  (redisProgram !== undefined && existsSync(redisProgram)) || process.env.CI === 'true';

/** A Redis of the tests' own, which can be killed, stopped and started again on its port. */
export class RedisServer {
  #child: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    readonly directory: string,
    private readonly options: readonly string[],
  ) {}

  static async start(...options: string[]): Promise<RedisServer> {
    const directory = await fs.mkdtemp(path.join(tmpdir(), 'parley-redis-'));
    const server = new RedisServer(await freePort(), directory, options);
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pids(): number[] {
    return this.#child?.pid === undefined ? [] : [this.#child.pid];
  }

  async start(): Promise<void> {
    if (redisProgram === undefined) throw new Error('There is no redis-server on this machine.');
    this.#child = spawn(
      redisProgram,
      ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.directory]
        .concat('--save', '', '--appendonly', 'no')
        .concat(this.options),
      { stdio: 'ignore' },
    );
    const end = Date.now() + START_MS;
    while (!(await this.answers())) {
      if (Date.now() > end) throw new Error('redis-server did not start.');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }

  /** Ends it and takes its files away. */
  async remove(): Promise<void> {
    await this.kill();
    await fs.rm(this.directory, { recursive: true, force: true });
  }

  /** Runs commands on a connection of their own. */
  async ask<Answer>(work: (client: Redis) => Promise<Answer>): Promise<Answer> {
    const client = new Redis(this.url, {
      lazyConnect: true,
      retryStrategy: () => null,
      disconnectTimeout: 200,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await work(client);
    } finally {
      if (client.status !== 'end') client.disconnect();
    }
  }

  private answers(): Promise<boolean> {
    return this.ask((client) => client.ping()).then(
      () => true,
      () => false,
    );
  }
}
