import type { ChildProcess } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';

/** The processes that a process has started, and theirs. */
export function descendantsOf(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const [child, parent] of parents())
    children.set(parent, [...(children.get(parent) ?? []), child]);
  const found: number[] = [];
  for (const queue = [pid]; queue.length > 0;) {
    const next = children.get(queue.pop() ?? 0) ?? [];
    found.push(...next);
    queue.push(...next);
  }
  return found;
}

function parents(): [number, number][] {
  if (process.platform !== 'linux')
    return execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number) as [number, number]);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => {
      try {
        // The name of the program is in parentheses and may hold anything.
        const [, rest = ''] = /\) (.*)$/s.exec(readFileSync(`/proc/${name}/stat`, 'utf8')) ?? [];
        return [Number(name), Number(rest.split(' ')[1])];
      } catch {
        return [Number(name), 0];
      }
    });
}

export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids)
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended by itself.
    }
}

interface Ours {
  readonly pids: () => number[];
  readonly directory: string;
}

const started = new Set<Ours>();

/** Sees to it that nothing outlives this process, however it ends (but for a kill -9 of itself). */
export function endWithUs(pids: () => number[], directory: string): void {
  started.add({ pids, directory });
}

process.on('exit', () => {
  for (const { pids } of started) signalAll(pids(), 'SIGKILL');
  for (const { directory } of started)
    if (directory !== '')
      rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => process.exit(130));

export const hasEnded = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null;
