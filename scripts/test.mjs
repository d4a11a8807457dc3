// `npm test [-- arguments for Jest]`; the last line is always `N passed, M failed`.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import * as path from 'node:path';
import { root, setUpOrExit } from './setup.mjs';

// Built as well: one of the suites starts the server as an operator does.
await setUpOrExit();

const scratch = mkdtempSync(path.join(tmpdir(), 'parley-results-'));
const results = path.join(scratch, 'results.json');
const jest = spawn(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--no-warnings',
    'node_modules/jest/bin/jest.js',
    '--json',
    `--outputFile=${results}`,
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: 'inherit' },
);
// In a terminal Ctrl-C reaches Jest as well; we stay until it has cleaned up.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => jest.kill('SIGTERM'));

const [code, signal] = await new Promise((resolve) => {
  jest.once('close', (...how) => resolve(how));
});
const { passed, failed } = count();
rmSync(scratch, { recursive: true, force: true });
if (passed + failed === 0) console.error('No test was run.');
console.log(`${passed} passed, ${failed} failed`);
if (signal) process.exitCode = 128 + constants.signals[signal];
else process.exitCode = code || (failed > 0 || passed === 0 ? 1 : 0);

function count() {
  let report;
  try {
    report = JSON.parse(readFileSync(results, 'utf8'));
  } catch {
    // Jest itself failed: before the first test, or it was stopped.
    return { passed: 0, failed: code === 0 ? 0 : 1 };
  }
  return {
    passed: report.numPassedTests,
    // A file that cannot even be loaded has no tests to fail.
    failed: report.numFailedTests + report.numRuntimeErrorTestSuites,
  };
}
