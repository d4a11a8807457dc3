import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { freePort } from '../../src/database/embedded-process.js';
import { endWithUs, hasEnded } from '../faults/processes.js';
import { sleep } from '../faults/random.js';
import { HttpConnection } from './load/http-connection.js';

export interface ServerOptions {
  readonly name: string;
  /** What node is to run, with its arguments. */
  readonly script: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly nodeOptions?: readonly string[];
  /** A connection is enough unless told. */
  readonly answers?: (connection: HttpConnection) => Promise<boolean>;
}

const START_MS = 60_000;
const STOP_MS = 15_000;
const LOOK_EVERY_MS = 5;
const KEPT_LINES = 20;

/** A Node server under measurement. */
export class ServerProcess {
  readonly #output: string[] = [];
  readonly #spawnedAt = performance.now();
  readonly #child: ChildProcess;
  /** Milliseconds from spawning it to its first answer. */
  startedIn = NaN;

  private constructor(
    readonly port: number,
    private readonly options: ServerOptions,
  ) {
    const { script, environment, nodeOptions = [] } = options;
    this.#child = spawn(process.execPath, ['--no-warnings', ...nodeOptions, script], {
      env: {
        PATH: process.env.PATH ?? '',
        NODE_ENV: 'production',
        ...environment,
        PORT: String(port),
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    endWithUs(() => (hasEnded(this.#child) ? [] : [this.pid]), '');
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (data: Buffer) => {
        this.#output.push(...data.toString().split('\n').filter(Boolean));
        this.#output.splice(0, this.#output.length - KEPT_LINES);
      });
  }

  static async start(options: ServerOptions): Promise<ServerProcess> {
    const server = new ServerProcess(await freePort(), options);
    await server.#answers();
    return server;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Asks the preload memory-report.mjs. */
  async memory(): Promise<NodeJS.MemoryUsage> {
    const answer = once(this.#child, 'message');
    this.#child.send('memory');
    const [usage] = (await answer) as [NodeJS.MemoryUsage];
    return usage;
  }

  async stop(): Promise<void> {
    if (hasEnded(this.#child)) return;
    const exit = once(this.#child, 'exit');
    const force = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    this.#child.kill('SIGTERM');
    await exit;
    clearTimeout(force);
  }

  async #answers(): Promise<void> {
    while (!(await this.#hasAnswered())) {
      const isLate = performance.now() > this.#spawnedAt + START_MS;
      if (isLate || hasEnded(this.#child))
        throw new Error(`${this.options.name} did not start:\n${this.#output.join('\n')}`);
      await sleep(LOOK_EVERY_MS);
    }
    this.startedIn = performance.now() - this.#spawnedAt;
  }

  async #hasAnswered(): Promise<boolean> {
    try {
      const connection = await HttpConnection.open(this.port);
      try {
        return (await this.options.answers?.(connection)) ?? true;
      } finally {
        connection.close();
      }
    } catch {
      return false;
    }
  }
}
