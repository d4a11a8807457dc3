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

/** @returns whether every answer was right; only then, and of runs that are long enough, is anything published */
function report(results: Results, { writeDocs: isWanted }: Options): boolean {
  const { judges, problems } = results;
  const isRight = problems.length === 0;
  console.log(`\n${terminalTable(results)}\n`);
  if (!judges) console.log('These runs were too short to say how fast anything is.');
  if (isWanted && isRight && judges) writeDocs(results);
  else if (isWanted) console.error('The documents are left as they are.');
  return isRight;
}

/** Those of earlier versions do not say what was wrong. */
const earlier = (file: string): Results => ({
  problems: [],
  judges: true,
  ...(JSON.parse(readFileSync(file, 'utf8')) as Omit<Results, 'problems' | 'judges'>),
});

async function run(options: Options): Promise<boolean> {
  if (options.from !== undefined) return report(earlier(options.from), options);
  const bench = await openBench(options);
  try {
    if (options.profile !== undefined) {
      await bench.profile(options.profile);
      return true;
    }
    const { results, passed, failed } = await bench.measure();
    const isRight = report(results, options);
    mkdirSync(path.dirname(LATEST), { recursive: true });
    writeFileSync(LATEST, `${JSON.stringify(results, null, 2)}\n`);
    // Goals are not judged here: how fast a machine is says nothing about whether the answers are right.
    console.log(`${passed} passed, ${failed} failed`);
    return isRight;
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
