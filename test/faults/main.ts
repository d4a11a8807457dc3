// The fault suite: `npm run test:faults`. See docs/reliability.md for what it does and what came of it.
import { parseArgs } from 'node:util';
import type { RunOptions, RunReport } from './run.js';
import { rollingRestart } from './rolling-restart.js';
import { run } from './run.js';

function parsed() {
  try {
    return parseArgs({
      options: {
        seeds: { type: 'string', default: '1,2' },
        messages: { type: 'string', default: '10000' },
        faults: { type: 'string', default: '50' },
        gap: { type: 'string', default: '700' },
        short: { type: 'boolean', default: false },
        'no-controls': { type: 'boolean', default: false },
        'only-controls': { type: 'boolean', default: false },
        quiet: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    console.error((error as Error).message);
    process.exit(2);
  }
}

const values = parsed();

const plain: Omit<RunOptions, 'seed'> = {
  messages: Number(values.short ? 1_200 : values.messages),
  faults: Number(values.short ? 13 : values.faults),
  gap: Number(values.gap),
  only: /./,
  patience: 20_000,
  mistakes: { forgetful: false, renaming: false },
  settings: {},
};
const small = { ...plain, messages: 1_000, faults: 13, gap: 500, patience: 3_000, seed: 1 };
/** The short form runs on any busy machine, where only the order of magnitude says something. */
const MUST_SETTLE_MS = values.short ? 5_000 : 2_000;

interface Outcome {
  readonly lines: readonly string[];
  /** What the trial shows that it must not; empty when it is passed. */
  readonly problems: readonly string[];
}

interface Trial {
  readonly name: string;
  run(say: (line: string) => void): Promise<Outcome>;
}

const COUNTS = [
  'lost',
  'doubled',
  'reordered',
  'phantom',
  'gaps',
  'wrongUnread',
  'wrongNotifications',
  'resyncs',
  'refused',
] as const;

const ms = (value: number | null): string => (value === null ? 'never' : `${value.toFixed(0)} ms`);
const listed = (counts: ReadonlyMap<string, number>): string =>
  [...counts].map(([why, count]) => `${why} ${count}`).join(', ') || 'none';

const describe = (report: RunReport): string[] => [
  `acknowledged ${report.acknowledged}, delivered ${report.delivered}, faults ${report.faults}, ${report.seconds.toFixed(0)} s`,
  COUNTS.map((name) => `${name} ${report[name]}`).join(', '),
  `settled ${ms(report.settledAfterFault)} after the last fault, ${ms(report.settledAfterSend)} after the last send`,
  `${report.connects} connects of devices; sent again: ${listed(report.retries)}`,
];

const faulty = (
  name: string,
  options: RunOptions,
  judge: (report: RunReport) => string[],
): Trial => ({
  name,
  run: async (say) => {
    const report = await run(options, say);
    return { lines: describe(report), problems: judge(report) };
  },
});

const sound = (seed: number): Trial =>
  faulty(`seed ${seed}: nothing is lost`, { ...plain, seed }, (report) => [
    ...COUNTS.filter((name) => report[name] > 0).map((name) => `${name} ${report[name]}`),
    ...(report.acknowledged === plain.messages ? [] : ['not everything was acknowledged']),
    ...([report.settledAfterFault, report.settledAfterSend].every(
      (ms) => ms !== null && ms <= MUST_SETTLE_MS,
    )
      ? []
      : [`not settled within ${MUST_SETTLE_MS} ms`]),
  ]);

/** A world with a mistake in it: the suite is worth something only if it sees it. */
const control = (
  name: string,
  options: Partial<RunOptions>,
  sees: (report: RunReport) => boolean,
): Trial =>
  faulty(`control, ${name}`, { ...small, ...options }, (report) =>
    sees(report) ? [] : ['the mistake was not seen'],
  );

const restart: Trial = {
  name: 'rolling restart: nothing is lost and nothing fails for good',
  run: async (say) => {
    const report = await rollingRestart(values.short ? 600 : 1_200, say);
    const { lost, doubled, reordered, phantom, retries } = report;
    return {
      lines: [
        `acknowledged ${report.acknowledged}, delivered ${report.deliveries}, sent again: ${listed(retries)}`,
        `lost ${lost}, doubled ${doubled}, reordered ${reordered}, phantom ${phantom}`,
        `p50 ${ms(report.p50)}, p99 ${ms(report.p99)}, longest pause ${ms(report.longestPauseMs)}`,
      ],
      problems:
        lost + doubled + reordered + phantom === 0 ? [] : ['a restart loses or doubles events'],
    };
  },
};

const controls: readonly Trial[] = [
  control(
    'clients that come back without a cursor: messages are lost',
    { mistakes: { forgetful: true, renaming: false } },
    ({ lost }) => lost > 0,
  ),
  control(
    'sends that are repeated under a new name: messages are doubled',
    {
      mistakes: { forgetful: false, renaming: true },
      messages: 3_000,
      faults: 30,
      gap: 150,
      only: /^reset connections of clients/,
    },
    ({ doubled }) => doubled > 0,
  ),
  control(
    'synchronous_commit off: acknowledged messages are lost when PostgreSQL is killed',
    {
      messages: 2_000,
      faults: 5,
      gap: 1_000,
      only: /^kill -9 of PostgreSQL/,
      settings: {
        synchronous_commit: 'off',
        wal_writer_delay: '10s',
        wal_writer_flush_after: '1GB',
        wal_buffers: '64MB',
      },
    },
    ({ lost }) => lost > 0,
  ),
];

const trials: Trial[] = [
  ...(values['only-controls']
    ? []
    : (values.short ? [1] : values.seeds.split(',').map(Number)).map(sound)),
  ...(values['only-controls'] ? [] : [restart]),
  ...(values['no-controls'] ? [] : controls),
];

let failed = 0;
for (const trial of trials) {
  console.log(`── ${trial.name}`);
  const show = (line: string): void => {
    console.log(`    ${line}`);
  };
  let problems: readonly string[];
  try {
    const outcome = await trial.run(values.quiet ? () => undefined : show);
    outcome.lines.forEach(show);
    ({ problems } = outcome);
  } catch (error) {
    problems = [error instanceof Error ? (error.stack ?? error.message) : String(error)];
  }
  if (problems.length > 0) failed += 1;
  show(problems.length === 0 ? 'passed' : `FAILED: ${problems.join(', ')}`);
}
console.log(`${trials.length - failed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
