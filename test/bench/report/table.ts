import { METRICS } from '../measurement.js';
import { type Line, linesOf, type Results } from './results.js';
import { goal, measuredIn, outcome, ratio } from './words.js';

const HEADS = ['workload', 'target', 'median [min–max]', 'parley ÷ target', 'goal', ''];

const cellsOf = ({
  workload,
  metric,
  contestant,
  measured,
  ratio: found,
  judged,
}: Line): string[] => [
  `${workload.id} ${METRICS[metric].says}`,
  contestant.name,
  measuredIn(measured, metric),
  ratio(found),
  judged ? goal(judged.goal) : '',
  judged ? outcome(judged) : '',
];

/** For a terminal: one line per workload, what was measured, and who. */
export function terminalTable(results: Results): string {
  const rows = [HEADS, ...linesOf(results).map(cellsOf)];
  const widths = HEADS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const markdownRow = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** For a document. */
export function markdownTable(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  return [heads, heads.map(() => '---'), ...rows].map(markdownRow).join('\n');
}

export const allMeasured = (results: Results): string =>
  markdownTable([...HEADS.slice(0, 5), 'reached'], linesOf(results).map(cellsOf));
