import type { ProtocolName } from './protocols/index.js';
import { runPgbench } from './pgbench.js';
import type { Load, LoadTask } from './load/load.js';
import type { SendLoad } from './load/send.js';
import { LoadProcess } from './load-process.js';
import type { DatabaseName, Databases } from './databases.js';
import type { Measurement } from './measurement.js';
import type { Options } from './options.js';
import { type Systems, systemOf } from './systems.js';
import { measureMemory } from './memory.js';
import { secondsOf } from './processor-time.js';
import type { Contestant } from './workload.js';

export const PGBENCH = 'pgbench';

/** Makes those who take part in a workload. */
export class Contestants {
  /** One for all runs: a new one would compile its code while it measures, which takes more of the machine than its work. */
  #load: LoadProcess | undefined;

  constructor(
    private readonly systems: Systems,
    private readonly databases: Databases,
    private readonly options: Options,
    /** PostgreSQL's first process, where it is known. */
    private readonly postmaster: readonly number[],
  ) {}

  /** A system under a load. */
  under(load: Load, protocol: ProtocolName, name: string = protocol): Contestant {
    const system = systemOf(protocol);
    const database = system === 'parley' ? 'parley' : 'limits';
    return {
      name,
      system,
      run: async (warmUp, seconds) => {
        const { port, pid } = await this.systems.get(system);
        const task = { protocol, port, load, warmUp, seconds };
        const measureCosts = (): Promise<Measurement> =>
          withCosts({ server: [pid], database: this.postmaster }, () => this.#run(task));
        if (load.kind === 'send') return this.#withStored(database, measureCosts);
        return load.kind === 'page' || load.kind === 'inbox' ? measureCosts() : this.#run(task);
      },
    };
  }

  /** Parley, each limit, and each rival where they were asked for. */
  all(load: Load, limits: readonly ProtocolName[], rivals: readonly ProtocolName[]): Contestant[] {
    const chosen: ProtocolName[] = ['parley', ...limits, ...(this.options.rivals ? rivals : [])];
    return chosen.map((protocol) => this.under(load, protocol));
  }

  /** PostgreSQL alone, under parley's own function; none where it was left out. */
  pgbench({ connections, threads }: SendLoad): Contestant[] {
    const url = this.databases.url('functions');
    const contestant: Contestant = {
      name: PGBENCH,
      system: undefined,
      run: (warmUp, seconds) =>
        this.#withStored('functions', () =>
          withCosts({ server: [], database: this.postmaster }, () =>
            runPgbench(url, connections, threads, warmUp, seconds),
          ),
        ),
    };
    return this.options.pgbench ? [contestant] : [];
  }

  holding(sockets: number, protocols: readonly ProtocolName[]): Contestant[] {
    return protocols.map((protocol) => ({
      name: protocol,
      system: undefined,
      run: () => measureMemory(this.systems, protocol, sockets, this.options.sizes.background),
    }));
  }

  async stop(): Promise<void> {
    await this.#load?.stop();
    this.#load = undefined;
  }

  /** What was acknowledged must be there, and nothing else. Counting takes time, so it is done around what is measured. */
  async #withStored(
    database: DatabaseName,
    measure: () => Promise<Measurement>,
  ): Promise<Measurement> {
    const before = await this.databases.countMessages(database);
    const { operations, wrong, ...rest } = await measure();
    const stored = (await this.databases.countMessages(database)) - before;
    const differs = stored === operations ? [] : [`${operations} acknowledged, ${stored} stored`];
    return { ...rest, operations, wrong: [...wrong, ...differs] };
  }

  async #run(task: LoadTask): Promise<Measurement> {
    this.#load ??= new LoadProcess();
    const measurement = await this.#load.run(task);
    // It may have left connections open, or have ended.
    if (measurement.wrong.length > 0) await this.stop();
    return measurement;
  }

  /** From spawning the process, with a database that is there, to the first answered question. */
  starting(): Contestant[] {
    const run = async (): Promise<Measurement> => {
      const server = await this.systems.startAnother('parley');
      await server.stop();
      return { values: { time: server.startedIn }, operations: 1, wrong: [] };
    };
    return [{ name: 'parley', system: undefined, run }];
  }
}

/** With the processor time of an operation, in µs, on each side where it can be seen; other programs disturb it less than a rate. */
async function withCosts(
  sides: Readonly<Record<'server' | 'database', readonly number[]>>,
  run: () => Promise<Measurement>,
): Promise<Measurement> {
  const before = Object.values(sides).map((pids) => secondsOf(...pids));
  const measurement = await run();
  const costs = Object.entries(sides).flatMap(([side, pids], place) => {
    const seconds = secondsOf(...pids) - (before[place] ?? NaN);
    return pids.length > 0 && seconds >= 0
      ? [[side, (seconds / measurement.operations) * 1e6] as const]
      : [];
  });
  return { ...measurement, values: { ...measurement.values, ...Object.fromEntries(costs) } };
}
