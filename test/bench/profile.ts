import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import type { LoadTask } from './load/load.js';
import { LoadProcess } from './load-process.js';
import type { Systems } from './systems.js';

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const SHOWN_PACKAGES = 25;
const SHOWN_FUNCTIONS = 45;

/** As it stands in the code: the package, Node's module, or the file of ours. */
const placeOf = (url: string): string =>
  url
    .replace(/^.*\/node_modules\//, '')
    .replace(/^file:.*\/dist\//, 'dist/')
    .replace(/^node:internal\//, 'node:');

const nameOfPackage = ({ url, functionName }: CallFrame): string =>
  /^(@[^/]+\/[^/]+|[^/]+)/.exec(placeOf(url))?.[1] ?? functionName;

const nameOfFunction = ({ url, functionName, lineNumber }: CallFrame): string =>
  `${functionName || '(anonymous)'}${url === '' ? '' : ` ${placeOf(url)}:${lineNumber + 1}`}`;

/** Each name's own time, as a share of the time that was not spent waiting. */
function shares(
  { nodes, samples, timeDeltas }: CpuProfile,
  fromMs: number,
  nameOf: (frame: CallFrame) => string,
): [string, number][] {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const times = new Map<string, number>();
  let all = 0;
  let now = 0;
  for (const [place, id] of samples.entries()) {
    const frame = frames.get(id)!;
    const time = timeDeltas[place] ?? 0;
    now += time;
    if (frame.functionName === '(idle)' || now < fromMs * 1_000) continue;
    const name = nameOf(frame);
    times.set(name, (times.get(name) ?? 0) + time);
    all += time;
  }
  return [...times]
    .map(([name, time]): [string, number] => [name, time / all])
    .sort((a, b) => b[1] - a[1]);
}

function print(title: string, rows: readonly [string, number][]): void {
  console.log(`\n${title}`);
  for (const [name, share] of rows)
    console.log(`${(share * 100).toFixed(1).padStart(5)} %  ${name}`);
}

/** Runs parley alone under a load and prints where its processor time went. */
export async function profile(
  systems: Systems,
  task: Omit<LoadTask, 'port' | 'protocol'>,
): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'parley-profile-'));
  try {
    const options = ['--cpu-prof', `--cpu-prof-dir=${folder}`];
    const server = await systems.startModules(options);
    const load = new LoadProcess();
    const measurement = await load.run({ ...task, protocol: 'parley', port: server.port });
    await Promise.all([load.stop(), server.stop()]);
    if (measurement.wrong.length > 0) throw new Error(measurement.wrong.join('; '));
    const [file] = readdirSync(folder);
    if (file === undefined) throw new Error('parley has left no profile.');
    const found = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as CpuProfile;
    // Neither the start nor the first requests, for which code is still being compiled.
    const from = server.startedIn + task.warmUp * 1_000;
    console.log(`${measurement.operations} operations`);
    print('by package', shares(found, from, nameOfPackage).slice(0, SHOWN_PACKAGES));
    print('by function', shares(found, from, nameOfFunction).slice(0, SHOWN_FUNCTIONS));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
