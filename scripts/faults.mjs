// `npm run test:faults [-- --short | --seeds 1,2 --messages 10000 --faults 50]`; the last line is `N passed, M failed`.
import { spawnSync } from 'node:child_process';
import { root, setUpOrExit } from './setup.mjs';

await setUpOrExit();
// The suite kills what it has started however it ends; here Ctrl-C only has to wait for that.
process.on('SIGINT', () => undefined);
const { status } = spawnSync(
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
process.exitCode = status ?? 1;
