import { parseArgs } from 'node:util';
import { FULL, type Sizes, SMALL } from './data/ids.js';

/** Something that was asked for and cannot be done: a sentence, not a stack trace. */
export class UsageError extends Error {}

export interface Options {
  readonly rounds: number;
  readonly seconds: number;
  /** Seconds of each run before those that count. */
  readonly warmUp: number;
  /** Seconds that a server works before its first round. */
  readonly firstWarmUp: number;
  /** How long to wait for a quiet machine before each run. */
  readonly patienceMs: number;
  /** How often a run that others have disturbed is repeated. */
  readonly repeats: number;
  /** Whether the runs are long enough to say how fast anything is. */
  readonly judges: boolean;
  readonly sizes: Sizes;
  /** Sockets of the largest fan-out, and of the measurement of memory. */
  readonly sockets: number;
  readonly rivals: boolean;
  readonly pgbench: boolean;
  readonly notifier: boolean;
  readonly database: string | undefined;
  /** Ids of workloads; empty for all. */
  readonly only: readonly string[];
  readonly profile: string | undefined;
  readonly from: string | undefined;
  readonly writeDocs: boolean;
  /** As it was typed. */
  readonly command: string;
}

const FORMAL = {
  rounds: 5,
  seconds: 3,
  warmUp: 1.5,
  firstWarmUp: 20,
  patienceMs: 30_000,
  repeats: 2,
  judges: true,
  sizes: FULL,
  sockets: 1_000,
};
/** Only to see that every answer is right, on any machine. */
const SMOKE = {
  rounds: 1,
  seconds: 0.5,
  warmUp: 0.3,
  firstWarmUp: 0,
  patienceMs: 0,
  repeats: 0,
  judges: false,
  sizes: SMALL,
  sockets: 60,
};

const list = (text = ''): string[] => text.split(',').filter(Boolean);

function positive(name: string, text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (!(value > 0)) throw new UsageError(`--${name} must be a number above 0, not ${text ?? ''}.`);
  return value;
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        only: { type: 'string' },
        rivals: { type: 'boolean', default: false },
        without: { type: 'string' },
        notifier: { type: 'string', default: 'on' },
        database: { type: 'string' },
        smoke: { type: 'boolean', default: false },
        profile: { type: 'string' },
        from: { type: 'string' },
        'write-docs': { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

export function readOptions(args: readonly string[]): Options {
  const values = parsed(args);
  const without = list(values.without);
  const strange = without.find((name) => name !== 'pgbench');
  if (strange !== undefined) throw new UsageError(`--without takes pgbench, not ${strange}.`);
  if (!['on', 'off'].includes(values.notifier))
    throw new UsageError(`--notifier takes on or off, not ${values.notifier}.`);
  if (values.smoke && values['write-docs'])
    throw new UsageError(
      '--write-docs publishes how fast everything is, which --smoke does not find out.',
    );
  const form = values.smoke ? SMOKE : FORMAL;
  return {
    ...form,
    rounds: Math.ceil(positive('rounds', values.rounds, form.rounds)),
    seconds: positive('seconds', values.seconds, form.seconds),
    rivals: values.rivals,
    pgbench: !without.includes('pgbench'),
    notifier: values.notifier === 'on',
    database: values.database,
    only: list(values.only),
    profile: values.profile,
    from: values.from,
    writeDocs: values['write-docs'],
    command: ['npm run bench', ...(args.length > 0 ? ['--', ...withoutSecrets(args)] : [])].join(
      ' ',
    ),
  };
}

/** An address may hold a password, and the command is published with the results. */
const withoutSecrets = (args: readonly string[]): string[] =>
  args.map((arg) => arg.replace(/postgres(ql)?:\/\/\S+/, '<url>'));
