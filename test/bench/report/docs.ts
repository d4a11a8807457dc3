import { readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { METRICS } from '../measurement.js';
import { plot } from './plot.js';
import { judge, type Results } from './results.js';
import { allMeasured, markdownTable } from './table.js';
import { goal, measuredIn, outcome, ratio } from './words.js';

const at = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const DOCUMENT = at('docs/performance.md');
const PLOT = at('docs/performance.svg');

const goalsTable = ({ workloads }: Results): string =>
  markdownTable(
    ['workload', '', 'against', 'goal', 'found: median [min–max]', ''],
    workloads.flatMap((workload) =>
      workload.goals.map((each) => {
        const judged = judge(workload, each);
        const { metric, against } = each;
        const found =
          judged.found &&
          (against === undefined ? measuredIn(judged.found, metric) : ratio(judged.found));
        const is = outcome(judged);
        return [
          workload.id,
          `${workload.title}: ${METRICS[metric].says}`,
          against ?? '',
          goal(each),
          found ?? '',
          is === 'missed' ? `**${is}**` : is,
        ];
      }),
    ),
  );

const machineTable = ({ machine, date, command, rounds, workloads, notifier }: Results): string =>
  markdownTable(
    ['', ''],
    [
      ['date', date.slice(0, 10)],
      ['command', `\`${command}\``],
      [
        'runs',
        `${rounds} rounds of ${workloads[0]?.seconds ?? 0} s, notifier ${notifier ? 'on' : 'off'}`,
      ],
      ['processor', `${machine.processors} × ${machine.processor}`],
      ['memory', `${machine.memoryGb} GB`],
      ['system', machine.system],
      ['Node.js', machine.node],
      ['PostgreSQL', machine.postgresql],
    ],
  );

/** Replaces what stands between `<!-- bench:name -->` and `<!-- /bench:name -->`. */
function fill(document: string, name: string, content: string): string {
  const [start, end] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
  const from = document.indexOf(start);
  const to = document.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${DOCUMENT} has no place for ${name}.`);
  return `${document.slice(0, from + start.length)}\n\n${content}\n\n${document.slice(to)}`;
}

/** Fills the tables of docs/performance.md and draws its plot. */
export function writeDocs(results: Results): void {
  const tables = {
    machine: machineTable(results),
    goals: `${goalsTable(results)}\n\n![How far each goal is reached](${path.basename(PLOT)})`,
    results: allMeasured(results),
  };
  const document = Object.entries(tables).reduce(
    (text, [name, content]) => fill(text, name, content),
    readFileSync(DOCUMENT, 'utf8'),
  );
  writeFileSync(DOCUMENT, document);
  writeFileSync(PLOT, plot(results));
}
