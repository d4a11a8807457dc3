import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../src/database/embedded-process.js';
import { endWithUs, hasEnded } from './processes.js';
import { sleep, within } from './random.js';

const ENTRY = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const START_MS = 60_000;
const STOP_MS = 15_000;

/** A node of parley, started again whenever it ends, as a supervisor does. */
export class NodeProcess {
  starts = 0;
  /** The last lines it wrote, for a report of what went wrong. */
  readonly output: string[] = [];
  #child: ChildProcess | undefined;
  #stopping = false;

  private constructor(
    readonly name: string,
    readonly port: number,
    private readonly environment: Readonly<Record<string, string>>,
  ) {
    endWithUs(() => (this.#child?.pid === undefined ? [] : [this.#child.pid]), '');
  }

  static async start(
    name: string,
    environment: Readonly<Record<string, string>>,
  ): Promise<NodeProcess> {
    const node = new NodeProcess(name, await freePort(), environment);
    node.#spawn();
    await node.ready();
    return node;
  }

  /** Waits until it serves. */
  ready(): Promise<void> {
    return within(START_MS, `${this.name} is ready: ${this.output.join('\n')}`, () =>
      fetch(`http://127.0.0.1:${this.port}/health/ready`, { signal: AbortSignal.timeout(1_000) })
        .then(({ ok }) => ok)
        .catch(() => false),
    );
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Asks it to stop and lets the supervisor start it again. */
  async restart(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    await exit;
    await within(START_MS, 'the next one has been started', () => this.#child !== child);
    await this.ready();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child === undefined || hasEnded(child)) return;
    const exit = once(child, 'exit');
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    await exit;
    clearTimeout(force);
  }

  #spawn(): void {
    this.starts += 1;
    const child = spawn(process.execPath, ['--no-warnings', ENTRY], {
      cwd: path.dirname(path.dirname(ENTRY)),
      env: { PATH: process.env.PATH ?? '', ...this.environment, PORT: String(this.port) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data: Buffer) => {
        this.output.push(...data.toString().split('\n').filter(Boolean));
        this.output.splice(0, this.output.length - 40);
      });
    child.once('exit', () => {
      if (!this.#stopping) void sleep(100).then(() => (this.#stopping ? undefined : this.#spawn()));
    });
  }
}
