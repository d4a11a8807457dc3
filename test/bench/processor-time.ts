import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { sleep } from '../faults/random.js';

/** Only Linux says how much processor time others take; elsewhere nothing is waited for and nothing is repeated. */
const canSeeOthers = existsSync('/proc/stat');

const TICKS_PER_SECOND = 100;
/** Processors that may be busy on a machine that counts as quiet. */
const QUIET = 0.2;
const LOOK_MS = 300;

interface Usage {
  readonly parent: number;
  /** Seconds of itself, and of its children that have ended. */
  readonly seconds: number;
}

function usageOf(pid: string): Usage | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program, in parentheses, may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return { parent: Number(fields[1]), seconds: ticks / TICKS_PER_SECOND };
  } catch {
    return undefined;
  }
}

/** Seconds that these processes and all that they have started have used so far. */
export function secondsOf(...roots: number[]): number {
  if (!canSeeOthers) return NaN;
  const usages = new Map<number, Usage>();
  const children = new Map<number, number[]>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const usage = usageOf(pid);
    if (usage === undefined) continue;
    usages.set(Number(pid), usage);
    children.set(usage.parent, [...(children.get(usage.parent) ?? []), Number(pid)]);
  }
  const family = new Set(roots);
  for (const pid of family) for (const child of children.get(pid) ?? []) family.add(child);
  return [...family].reduce((sum, pid) => sum + (usages.get(pid)?.seconds ?? 0), 0);
}

/** Seconds that all processors together have been busy, and that a host above them has taken away. */
function busySeconds(): number {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n', 1);
  const [user = 0, nice = 0, system = 0, , , interrupts = 0, soft = 0, stolen = 0] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + interrupts + soft + stolen) / TICKS_PER_SECOND;
}

/** Waits until the machine has next to nothing to do, up to so long. */
export async function waitForQuiet(patienceMs: number): Promise<void> {
  if (!canSeeOthers) return;
  const end = performance.now() + patienceMs;
  while (performance.now() < end) {
    const before = busySeconds();
    await sleep(LOOK_MS);
    if (busySeconds() - before < (QUIET * LOOK_MS) / 1_000) return;
    await sleep(LOOK_MS);
  }
}

/** Tells how much of the machine went to other programs since it was made. */
export class OthersWatch {
  readonly #busy: number;
  readonly #ours: number;
  readonly #since = performance.now();

  /** @param pids ours, with all that they start */
  constructor(private readonly pids: readonly number[]) {
    this.#busy = canSeeOthers ? busySeconds() : 0;
    this.#ours = secondsOf(...pids);
  }

  /** 0 where it cannot be known. */
  share(): number {
    if (!canSeeOthers) return 0;
    const all = ((performance.now() - this.#since) / 1_000) * availableParallelism();
    const others = busySeconds() - this.#busy - (secondsOf(...this.pids) - this.#ours);
    return Math.max(0, others) / all;
  }
}
