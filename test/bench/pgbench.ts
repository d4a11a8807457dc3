import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Measurement } from './measurement.js';

const DEBIAN = '/usr/lib/postgresql';
const SCRIPT = fileURLToPath(new URL('./limits/send.sql', import.meta.url));

export const HOW_TO_INSTALL =
  'There is no pgbench on this machine. It comes with PostgreSQL: on Debian and Ubuntu `apt-get install postgresql-contrib`, ' +
  'on Fedora `dnf install postgresql-contrib`, with Homebrew `brew install postgresql`. ' +
  '`--without pgbench` measures the rest.';

function versionsOfDebian(): string[] {
  if (!existsSync(DEBIAN)) return [];
  const newestFirst = readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a));
  return newestFirst.map((version) => path.join(DEBIAN, version, 'bin'));
}

/** The program; Debian keeps the newest one in a folder of its own, and a wrapper on the path. */
export const pgbenchProgram = [
  ...versionsOfDebian(),
  ...(process.env.PATH ?? '').split(path.delimiter),
]
  .map((folder) => path.join(folder, 'pgbench'))
  .find((file) => existsSync(file));

const run = promisify(execFile);

/** Calls parley's own sending function, a batch of one message at a time, as fast as so many clients can. */
export async function runPgbench(
  url: string,
  clients: number,
  threads: number,
  warmUp: number,
  seconds: number,
): Promise<Measurement> {
  if (pgbenchProgram === undefined) throw new Error(HOW_TO_INSTALL);
  const skipped = Math.ceil(warmUp);
  const duration = skipped + Math.ceil(seconds);
  const { stdout, stderr } = await run(pgbenchProgram, [
    ...['--no-vacuum', '--protocol=prepared', `--client=${clients}`, '--jobs=2', '--progress=1'],
    ...[`--time=${duration}`, `--define=last=${threads - 1}`, `--file=${SCRIPT}`, url],
  ]);
  const processed = Number(/actually processed: (\d+)/.exec(stdout)?.[1]);
  // A line a second; a run that ends a little late has one more, of a fraction of a second.
  const rates = [...stderr.matchAll(/progress: [\d.]+ s, ([\d.]+) tps/g)]
    .map(([, rate]) => Number(rate))
    .slice(skipped, duration);
  const rate = rates.reduce((sum, each) => sum + each, 0) / rates.length;
  return { values: { rate }, operations: processed, wrong: [] };
}
