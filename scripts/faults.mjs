// `npm run test:faults [-- --short | --seeds 1,2 --messages 10000 --faults 50]`; the last line is `N passed, M failed`.
import { spawn } from 'node:child_process';
import { root, setUpOrExit } from './setup.mjs';

await setUpOrExit();
const suite = spawn(
  process.execPath,
  [
    '--no-warnings',
    '--import',
    './test/support/typescript.mjs',
    'test/faults/main.ts',
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: 'inherit' },
);
// In a terminal Ctrl-C reaches the suite as well, which kills what it has started; we stay until it has.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => suite.kill('SIGTERM'));
suite.once('close', (code) => {
  process.exitCode = code ?? 1;
});
