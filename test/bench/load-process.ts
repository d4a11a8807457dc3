import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { endWithUs, hasEnded } from '../faults/processes.js';
import type { LoadTask } from './load/load.js';
import type { Measurement } from './measurement.js';

const LOADER = fileURLToPath(new URL('../support/typescript.mjs', import.meta.url));
const MAIN = fileURLToPath(new URL('./load/main.ts', import.meta.url));
/** Beyond the seconds of the run, for connecting and for the last messages. */
const PATIENCE_MS = 90_000;

/** A load generator that is at work. */
export class LoadProcess {
  readonly #child: ChildProcess;
  readonly #output: Interface;
  readonly #lines: string[] = [];
  readonly #ended: Promise<unknown>;
  readonly #late: NodeJS.Timeout;
  #errors = '';

  constructor(private readonly task: LoadTask) {
    this.#child = spawn(
      process.execPath,
      ['--no-warnings', '--import', LOADER, MAIN, JSON.stringify(task)],
      { stdio: ['pipe', 'pipe', 'pipe'] },
    );
    endWithUs(() => (hasEnded(this.#child) ? [] : [this.#child.pid ?? 0]), '');
    this.#ended = once(this.#child, 'close');
    this.#output = createInterface({ input: this.#child.stdout! });
    this.#output.on('line', (line) => this.#lines.push(line));
    this.#child.stderr!.on('data', (data: Buffer) => (this.#errors += data.toString()));
    const patience = PATIENCE_MS + (task.warmUp + task.seconds) * 1_000;
    this.#late = setTimeout(() => this.#child.kill('SIGKILL'), patience);
  }

  /** Waits for the first line, by which one that holds its sockets says that they are there. */
  async connected(): Promise<void> {
    await Promise.race([once(this.#output, 'line'), this.#ended]);
  }

  /** Lets go of the sockets. */
  release(): void {
    this.#child.stdin!.end();
  }

  /** Why a run failed is what was wrong in it. */
  async result(): Promise<Measurement> {
    await this.#ended;
    clearTimeout(this.#late);
    const last = this.#lines.at(-1) ?? '';
    if (last.startsWith('{')) return JSON.parse(last) as Measurement;
    const reason =
      this.#errors.slice(-1_500) || `it was ended by ${String(this.#child.signalCode)}`;
    return { values: {}, operations: 0, wrong: [`${this.task.load.kind} failed: ${reason}`] };
  }
}

export const runLoad = (task: LoadTask): Promise<Measurement> => new LoadProcess(task).result();
