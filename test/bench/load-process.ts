import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { endWithUs, hasEnded } from '../faults/processes.js';
import { CONNECTED, type LoadTask } from './load/load.js';
import type { Measurement } from './measurement.js';

const LOADER = fileURLToPath(new URL('../support/typescript.mjs', import.meta.url));
const MAIN = fileURLToPath(new URL('./load/main.ts', import.meta.url));
/** Beyond the seconds of a run, for connecting and for the last messages. */
const PATIENCE_MS = 90_000;

/** A process that generates loads, one after the other. */
export class LoadProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #take: (line: string) => void = () => undefined;
  #errors = '';

  constructor() {
    this.#child = spawn(process.execPath, ['--no-warnings', '--import', LOADER, MAIN], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    endWithUs(() => (hasEnded(this.#child) ? [] : [this.#child.pid ?? 0]), '');
    this.#ended = once(this.#child, 'close');
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.#take(line));
    this.#child.stderr!.on('data', (data: Buffer) => (this.#errors += data.toString()));
    // What is written to a process that has ended is told by its end.
    this.#child.stdin!.on('error', () => undefined);
  }

  /** Why a run failed is what was wrong in it. */
  async run(task: LoadTask): Promise<Measurement> {
    return this.#resultOf(task, this.#nextLine(task));
  }

  /** Connects the sockets of a load that holds them. */
  async hold(task: LoadTask): Promise<HeldSockets> {
    const first = await this.#nextLine(task);
    return {
      release: () =>
        this.#resultOf(
          task,
          first === CONNECTED ? this.#nextLine(task, 'release') : Promise.resolve(first),
        ),
    };
  }

  async stop(): Promise<void> {
    this.#child.stdin!.end();
    await this.#ended;
  }

  async #resultOf({ load }: LoadTask, line: Promise<string | undefined>): Promise<Measurement> {
    const result = await line;
    if (result !== undefined) return JSON.parse(result) as Measurement;
    const reason =
      this.#errors.slice(-1_500) || `it was ended by ${String(this.#child.signalCode)}`;
    return { values: {}, operations: 0, wrong: [`${load.kind} failed: ${reason}`] };
  }

  /** @returns what the process answers; undefined where it has ended instead */
  async #nextLine(
    task: LoadTask,
    question: string = JSON.stringify(task),
  ): Promise<string | undefined> {
    const patience = PATIENCE_MS + (task.warmUp + task.seconds) * 1_000;
    const late = setTimeout(() => this.#child.kill('SIGKILL'), patience);
    const answer = new Promise<string>((resolve) => (this.#take = resolve));
    this.#child.stdin!.write(`${question}\n`);
    const line = await Promise.race([answer, this.#ended.then(() => undefined)]);
    clearTimeout(late);
    return line;
  }
}

export interface HeldSockets {
  /** Lets go of them. */
  release(): Promise<Measurement>;
}
