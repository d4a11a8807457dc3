import { METRICS } from '../measurement.js';
import type { Spread } from '../statistics.js';
import { type JudgedGoal, judge, type Results } from './results.js';
import { goal, number, ratio } from './words.js';

interface Bar {
  readonly label: string;
  readonly note: string;
  /** 1 is the goal, more is better. */
  readonly reached: Spread;
}

const WIDTH = 900;
const LEFT = 330;
const RIGHT = 210;
const ROW = 24;
const TOP = 56;
const BOTTOM = 24;
/** The scale is logarithmic, as ratios are: twice as good is as far to the right as half is to the left. */
const LEAST = 0.25;
const MOST = 8;
const MARKS = [0.25, 0.5, 1, 2, 4, 8];

const x = (value: number): number => {
  const inside = Math.min(MOST, Math.max(LEAST, value));
  const share = Math.log(inside / LEAST) / Math.log(MOST / LEAST);
  return LEFT + share * (WIDTH - LEFT - RIGHT);
};

const escape = (text: string): string =>
  text.replace(/[&<>]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[sign] ?? sign);

/** How many times better than the goal: where less is better, the other way round. */
function reachedBy({ goal: { atLeast, atMost = 1 }, found }: JudgedGoal): Spread | undefined {
  if (found === undefined) return undefined;
  if (atLeast !== undefined)
    return {
      least: found.least / atLeast,
      median: found.median / atLeast,
      most: found.most / atLeast,
    };
  return { least: atMost / found.most, median: atMost / found.median, most: atMost / found.least };
}

const barsOf = ({ workloads }: Results): Bar[] =>
  workloads.flatMap((workload) =>
    workload.goals.flatMap((each) => {
      const judged = judge(workload, each);
      const reached = reachedBy(judged);
      if (reached === undefined) return [];
      const { metric, against } = each;
      const label = `${workload.id} ${METRICS[metric].says}${against === undefined ? '' : ` ÷ ${against}`}`;
      const found = against === undefined ? number(judged.found!.median) : ratio(judged.found);
      return [{ label, note: `${found}, goal ${goal(each)}`, reached }];
    }),
  );

const text = (at: number, y: number, content: string, rest = ''): string =>
  `<text x="${at.toFixed(1)}" y="${y}"${rest}>${escape(content)}</text>`;

function drawBar({ label, note, reached }: Bar, place: number): string {
  const y = TOP + place * ROW;
  const middle = y + ROW / 2;
  const [from, to] = [x(1), x(reached.median)].sort((a, b) => a - b) as [number, number];
  const colour = reached.median >= 1 ? '#2f7d4f' : '#b5482f';
  return [
    text(LEFT - 10, middle + 4, label, ' text-anchor="end"'),
    `<rect x="${from.toFixed(1)}" y="${y + 5}" width="${Math.max(1, to - from).toFixed(1)}" height="${ROW - 10}" fill="${colour}"/>`,
    `<line x1="${x(reached.least).toFixed(1)}" x2="${x(reached.most).toFixed(1)}" y1="${middle}" y2="${middle}" stroke="#222"/>`,
    text(WIDTH - RIGHT + 12, middle + 4, note, ' fill="#555"'),
  ].join('\n');
}

function drawMark(value: number, bottom: number): string {
  const at = x(value).toFixed(1);
  const isGoal = value === 1;
  return (
    `<line x1="${at}" x2="${at}" y1="${TOP - 6}" y2="${bottom}" stroke="${isGoal ? '#222' : '#ccc'}"/>\n` +
    text(x(value), TOP - 12, isGoal ? 'goal' : `${value} ×`, ' text-anchor="middle" fill="#555"')
  );
}

/** How far each goal is reached, as an SVG that needs nothing else. */
export function plot(results: Results): string {
  const bars = barsOf(results);
  const height = TOP + bars.length * ROW + BOTTOM;
  const title = `How far each goal is reached: median and range of ${results.rounds} rounds, ${results.date.slice(0, 10)}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    text(12, 20, title, ' font-size="14"'),
    ...MARKS.map((mark) => drawMark(mark, height - BOTTOM)),
    ...bars.map(drawBar),
    '</svg>',
    '',
  ].join('\n');
}
