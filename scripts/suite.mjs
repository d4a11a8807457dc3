// Runs a suite that is a TypeScript program of its own, in a process of its own.
import { spawn } from 'node:child_process';
import { root, setUpOrExit } from './setup.mjs';

/** Sets up what is missing, then runs it with our arguments and ends with its exit code. */
export async function runSuiteOrExit(main) {
  await setUpOrExit();
  const suite = spawn(
    process.execPath,
    ['--no-warnings', '--import', './test/support/typescript.mjs', main, ...process.argv.slice(2)],
    { cwd: root, stdio: 'inherit' },
  );
  // In a terminal Ctrl-C reaches the suite as well, which kills what it has started; we stay until it has.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => suite.kill('SIGTERM'));
  suite.once('close', (code) => {
    process.exitCode = code ?? 1;
  });
}
