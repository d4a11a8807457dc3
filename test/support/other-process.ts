import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { until } from './app.js';

export type Answer = { url: string; directory: string } | { refused: string };

/** Starts the embedded server from another process; the answer is what that process has to say. */
export function startElsewhere(dataDir: string): { child: ChildProcess; answer: Promise<Answer> } {
  const here = path.dirname(fileURLToPath(import.meta.url));
  const loader = ['--no-warnings', '--import', './typescript.mjs'];
  const child = spawn(process.execPath, [...loader, 'own-server.ts', dataDir], {
    cwd: here,
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  const answer = once(createInterface({ input: child.stdout }), 'line');
  return { child, answer: answer.then(([line]) => JSON.parse(String(line)) as Answer) };
}

export async function succeed(
  answer: Promise<Answer>,
): Promise<{ url: string; directory: string }> {
  const given = await answer;
  if ('refused' in given) throw new Error(given.refused);
  return given;
}

/** Until the PostgreSQL of the directory runs, which nobody can connect to yet. */
export async function hasBegun(dataDir: string): Promise<void> {
  const log = path.join(dataDir, 'postgresql.log');
  const read = (): Promise<string> => fs.readFile(log, 'utf8').catch(() => '');
  await until(async () => (await read()).includes('starting PostgreSQL'), 'PostgreSQL has begun');
}
