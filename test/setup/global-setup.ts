import { type ChildProcess, spawn } from 'node:child_process';
import * as path from 'node:path';
import { createInterface } from 'node:readline';

declare global {
  /** From global-setup to global-teardown, which share nothing else. */
  var parleyTestServer: ChildProcess | undefined;
}

export default async function globalSetup(
  _: unknown,
  { rootDir }: { rootDir: string },
): Promise<void> {
  // Detached, so that Ctrl-C leaves it the time to clean up after itself.
  const server = spawn(
    process.execPath,
    [
      '--no-warnings',
      '--import',
      './test/support/typescript.mjs',
      path.join(rootDir, 'test/setup/server.ts'),
    ],
    { cwd: rootDir, stdio: ['pipe', 'pipe', 'inherit'], detached: true },
  );
  globalThis.parleyTestServer = server;
  for await (const line of createInterface({ input: server.stdout })) {
    const { url, template, scratch } = JSON.parse(line) as Record<string, string>;
    process.env.PARLEY_TEST_SERVER = url;
    process.env.PARLEY_TEST_TEMPLATE = template;
    process.env.PARLEY_TEST_SCRATCH = scratch;
    return;
  }
  throw new Error('The PostgreSQL of the tests did not start.');
}
