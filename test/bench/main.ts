// The benchmark: `npm run bench`. See docs/performance.md for what it measures and how to read it.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as path from 'node:path';
import { openBench } from './bench.js';
import { type Options, readOptions, UsageError } from './options.js';
import { writeDocs } from './report/docs.js';
import type { Results } from './report/results.js';
import { terminalTable } from './report/table.js';

const LATEST = fileURLToPath(new URL('./results/latest.json', import.meta.url));

function report(results: Results, { judges, writeDocs: isWanted }: Options): void {
  console.log(`\n${terminalTable(results)}\n`);
  if (!judges) console.log('These runs were too short to say how fast anything is.');
  if (isWanted) writeDocs(results);
}

async function run(options: Options): Promise<boolean> {
  if (options.from !== undefined) {
    report(JSON.parse(readFileSync(options.from, 'utf8')) as Results, options);
    return true;
  }
  const bench = await openBench(options);
  try {
    if (options.profile !== undefined) {
      await bench.profile(options.profile);
      return true;
    }
    const { results, passed, failed } = await bench.measure();
    report(results, options);
    mkdirSync(path.dirname(LATEST), { recursive: true });
    writeFileSync(LATEST, `${JSON.stringify(results, null, 2)}\n`);
    // Goals are not judged here: how fast a machine is says nothing about whether the answers are right.
    console.log(`${passed} passed, ${failed} failed`);
    return failed === 0;
  } finally {
    await bench.close();
  }
}

try {
  process.exitCode = (await run(readOptions(process.argv.slice(2)))) ? 0 : 1;
} catch (error) {
  const isOurs = error instanceof UsageError;
  console.error(isOurs ? error.message : error);
  process.exitCode = isOurs ? 2 : 1;
}
process.exit();
