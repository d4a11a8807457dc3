import { Client } from 'pg';
import { PostgresServer } from '../faults/postgres-server.js';
import { Contestants } from './contestants.js';
import { Databases } from './databases.js';
import { describeMachine } from './machine.js';
import { type Options, UsageError } from './options.js';
import { HOW_TO_INSTALL, pgbenchProgram } from './pgbench.js';
import { findUntold } from './notifications.js';
import { profile } from './profile.js';
import type { Results, WorkloadResult } from './report/results.js';
import { prepareRivals } from './rivals.js';
import { measure } from './rounds.js';
import { Systems } from './systems.js';
import { loadsOf } from './loads.js';
import { workloadsOf } from './workloads.js';

export interface Outcome {
  readonly results: Results;
  /** Workloads in which every answer was right, and others; the examination at the end is one as well. */
  readonly passed: number;
  readonly failed: number;
}

export interface Bench {
  measure(): Promise<Outcome>;
  profile(workload: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * For all targets alike. The tidying between the runs does what autovacuum would do in the middle of one. A checkpoint would
 * fall into somebody's run, and whoever writes next pays for it with whole pages of WAL; so they are rare. All else is as it
 * is by default.
 */
const SETTINGS = { autovacuum: 'off', max_wal_size: '4GB', checkpoint_timeout: '30min' };

/** Seconds until code is compiled for good. */
const PROFILE_WARM_UP = 4;

const say = (line: string): void => console.log(line);

/** PostgreSQL's first process, where it runs here and says so. */
async function postmasterOf(url: string): Promise<number[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ file: string }>(
      "SELECT pg_read_file('postmaster.pid') AS file",
    );
    return [parseInt(rows[0]?.file ?? '', 10)].filter((pid) => pid > 0);
  } catch {
    return [];
  } finally {
    await client.end();
  }
}

export async function openBench(options: Options): Promise<Bench> {
  if (options.pgbench && options.profile === undefined && pgbenchProgram === undefined)
    throw new UsageError(HOW_TO_INSTALL);
  if (options.rivals) prepareRivals(say);
  const own = options.database === undefined ? await PostgresServer.start(SETTINGS) : undefined;
  const url = options.database ?? own!.url();
  const databases = await Databases.create(url, options.sizes, say);
  const systems = new Systems({
    notifier: options.notifier,
    urlOf: (name) => databases.url(name),
  });
  return {
    measure: () => measureAll(options, databases, systems, url),
    profile: async (workload) => {
      const load = loadsOf(options)[workload];
      if (load === undefined)
        throw new UsageError(`--profile takes one of ${Object.keys(loadsOf(options)).join(', ')}.`);
      await profile(systems, { load, warmUp: PROFILE_WARM_UP, seconds: options.seconds });
    },
    close: async () => {
      await systems.stop();
      await (own === undefined ? databases.drop() : own.remove());
    },
  };
}

async function measureAll(
  options: Options,
  databases: Databases,
  systems: Systems,
  url: string,
): Promise<Outcome> {
  const postmaster = await postmasterOf(url);
  const contestants = new Contestants(systems, databases, options, postmaster);
  const workloads = workloadsOf(contestants, options);
  const chosen = workloads.filter(({ id }) => isChosen(id, options.only));
  if (chosen.length === 0)
    throw new UsageError(`--only takes some of ${workloads.map(({ id }) => id).join(', ')}.`);
  const bench = { databases, ...withOurs(options, postmaster), say };
  const measured: WorkloadResult[] = [];
  const problems: string[] = [];
  for (const workload of chosen)
    try {
      measured.push(await measure(bench, workload));
    } catch (error) {
      problems.push(`${workload.id}: ${error instanceof Error ? error.message : String(error)}`);
    }
  await contestants.stop();
  const found = await examine(options, databases, systems);
  if (found.length > 0) problems.push(`the databases: ${found.join('\n')}`);
  for (const problem of problems) console.error(`WRONG ${problem}`);
  const results: Results = {
    date: new Date().toISOString(),
    command: options.command,
    rounds: options.rounds,
    notifier: options.notifier,
    machine: describeMachine(await databases.version()),
    problems,
    judges: options.judges,
    workloads: measured,
  };
  return { results, passed: chosen.length + 1 - problems.length, failed: problems.length };
}

/** Whether everybody was told of everything, and whether parley's database agrees with itself. */
async function examine(
  { notifier }: Options,
  databases: Databases,
  systems: Systems,
): Promise<string[]> {
  // It works in the background, in the server: one that has not been asked for anything must be there for it.
  if (notifier) await systems.get('parley');
  const untold = await findUntold(databases, notifier);
  return [...untold, ...(await databases.examine())];
}

/** Whose processor time is ours. PostgreSQL's is, and where its process is unknown, nobody can tell what others took. */
function withOurs(
  options: Options,
  postmaster: readonly number[],
): { options: Options; pids: number[] } {
  if (options.database === undefined) return { options, pids: [process.pid] };
  if (postmaster.length > 0) return { options, pids: [process.pid, ...postmaster] };
  say('Which processes are PostgreSQL is unknown: runs that others disturb are not repeated.');
  return { options: { ...options, repeats: 0 }, pids: [process.pid] };
}

/** `w4` is all whose name begins with it; a whole name is that one alone. */
const isChosen = (id: string, only: readonly string[]): boolean =>
  only.length === 0 || only.some((name) => id === name || id.startsWith(`${name}-`));
