import { execFile } from 'node:child_process';

export interface Outcome {
  readonly code: number;
  readonly said: string;
}

/** Runs Node.js as an operator does, with nothing else in its environment; Ctrl-C comes with the signal. */
export const run = (
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
): Promise<Outcome> =>
  new Promise((resolve) => {
    const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...environment };
    const child = execFile(process.execPath, ['--no-warnings', ...args], { env }, (_, out, err) => {
      resolve({ code: child.exitCode ?? -1, said: out + err });
    });
    signal?.addEventListener('abort', () => child.kill('SIGINT'));
  });
