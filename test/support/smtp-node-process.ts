import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * A node in a process of its own.
 * @param place where it kills itself, see smtp-node.ts
 */
export function spawnNode(environment: Readonly<Record<string, string>>, place = ''): ChildProcess {
  const here = path.dirname(fileURLToPath(import.meta.url));
  return spawn(
    process.execPath,
    [
      '--no-warnings',
      '--import',
      './typescript.mjs',
      'smtp-node.ts',
      JSON.stringify(environment),
      place,
    ],
    { cwd: here, stdio: ['ignore', 'pipe', 'inherit'] },
  );
}

/** @returns the signal that ended it */
export async function ended(child: ChildProcess): Promise<unknown> {
  if (child.signalCode !== null) return child.signalCode;
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
  return signal;
}
