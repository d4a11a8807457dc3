import { type Contestants, PGBENCH } from './contestants.js';
import { type Scale, SEND_THREADS } from './data/ids.js';
import type { Load } from './load/load.js';
import {
  CONNECTIONS,
  fanOutTo,
  inboxOf,
  PACED_SECONDS,
  PAGE_SIZE,
  paceFor,
  pageOf,
  SEEN_PACE,
  sendTo,
} from './loads.js';
import type { Metric } from './measurement.js';
import type { Options } from './options.js';
import type { Goal, Workload } from './workload.js';

const MEMORY_SOCKETS = 1_000;

/** Of what is asked one by one over HTTP. */
const ASKED: readonly Metric[] = ['rate', 'p50', 'p99', 'server', 'database'];

const rate = (against: string, atLeast: number): Goal => ({ metric: 'rate', against, atLeast });

const sends = (contestants: Contestants): Workload[] => [
  {
    id: 'w1',
    title: `send over HTTP, ${CONNECTIONS} connections, ${SEND_THREADS} threads`,
    metrics: ASKED,
    writes: true,
    contestants: contestants
      .all(sendTo(SEND_THREADS), ['raw'], ['socket.io', 'tutorial'])
      .concat(contestants.pgbench(sendTo(SEND_THREADS))),
    goals: [rate(PGBENCH, 0.7), rate('raw', 1), rate('socket.io', 2.5), rate('tutorial', 8)],
  },
  {
    id: 'w1-hot',
    title: `send over HTTP, ${CONNECTIONS} connections, one thread`,
    metrics: ASKED,
    writes: true,
    contestants: contestants
      .all(sendTo(1), ['raw'], ['socket.io', 'tutorial'])
      .concat(contestants.pgbench(sendTo(1))),
    goals: [rate(PGBENCH, 0.7)],
  },
];

const reads = (contestants: Contestants, options: Options): Workload[] => {
  const page = (withRead: boolean): Omit<Workload, 'id' | 'title'> => ({
    metrics: ASKED,
    writes: false,
    contestants: contestants.all(
      pageOf(options, 'once', withRead),
      ['raw'],
      ['socket.io', 'tutorial'],
    ),
    goals: [rate('raw', 1.3), rate('socket.io', 3)],
  });
  const title = `last ${PAGE_SIZE} of ${options.sizes.page} messages with the senders' names`;
  return [
    { id: 'w2', title, ...page(false) },
    { id: 'w2-read', title: `${title} and readAt`, ...page(true) },
    {
      id: 'w3',
      title: `${PAGE_SIZE} of ${options.sizes.inbox} threads with last message, unread and the other's name`,
      metrics: ASKED,
      writes: false,
      contestants: contestants.all(inboxOf('once'), ['raw'], ['socket.io', 'tutorial']),
      goals: [rate('raw', 1.5), rate('socket.io', 4)],
    },
  ];
};

const fanOuts = (contestants: Contestants, { sockets: most }: Options): Workload[] =>
  [...new Set([10, 100, 1_000].map((sockets) => Math.min(sockets, most)))].flatMap((sockets) => {
    const pace = paceFor(sockets);
    const hasGoal = sockets >= 100;
    // Beside what broadcasts without a database, the least that stores a message first.
    const limits = ['raw-sockets', 'raw'] as const;
    const soon: Goal = { metric: 'p99', against: 'raw-sockets', atMost: 2 };
    return [
      {
        id: `w4-${sockets}`,
        title: `one thread to ${sockets} sockets, deliveries`,
        metrics: ['rate', 'p99'],
        writes: true,
        contestants: contestants.all(fanOutTo(sockets), limits, ['socket.io']),
        goals: hasGoal ? [rate('raw-sockets', 1), soon] : [],
      },
      {
        id: `w4-${sockets}-paced`,
        title: `one thread to ${sockets} sockets, ${pace} messages a second, at least ${PACED_SECONDS * pace} of them`,
        metrics: ['p50', 'p99'],
        leastSeconds: PACED_SECONDS,
        writes: true,
        contestants: contestants.all(fanOutTo(sockets, pace), limits, ['socket.io']),
        goals: hasGoal ? [soon] : [],
      },
    ] satisfies Workload[];
  });

const lives = (contestants: Contestants, options: Options): Workload[] => {
  const sockets = Math.min(MEMORY_SOCKETS, options.sockets);
  const rivals = options.rivals ? (['socket.io'] as const) : [];
  return [
    {
      id: 'w5',
      title: `${sockets} connected and subscribed sockets`,
      metrics: ['rss', 'heap'],
      writes: true,
      contestants: contestants.holding(sockets, ['parley', 'raw-sockets', ...rivals]),
      goals: [
        { metric: 'rss', against: 'raw-sockets', atMost: 1.5 },
        { metric: 'heap', against: 'raw-sockets', atMost: 1.5 },
      ],
    },
    {
      id: 'w6',
      title: `from sending to being seen, ${SEEN_PACE} messages a second, at least ${PACED_SECONDS * SEEN_PACE} of them`,
      metrics: ['p50', 'p99'],
      leastSeconds: PACED_SECONDS,
      writes: true,
      contestants: contestants.all({ kind: 'seen', pace: SEEN_PACE }, ['raw'], ['socket.io']),
      goals: [
        { metric: 'p50', against: 'socket.io', atMost: 1.5 },
        { metric: 'p99', against: 'socket.io', atMost: 2 },
      ],
    },
  ];
};

/** Parley against itself: ten times the data must not cost more than a tenth. */
const growths = (contestants: Contestants, options: Options): Workload[] => {
  const grown = (
    id: string,
    loads: Readonly<Record<Scale, Load>>,
    count: number,
    what: string,
  ): Workload => {
    const small = `parley, ${count} ${what}`;
    return {
      id,
      title: `${count * 10} ${what} instead of ${count}`,
      metrics: ['rate'],
      writes: false,
      contestants: [
        contestants.under(loads.tenfold, 'parley'),
        contestants.under(loads.once, 'parley', small),
      ],
      goals: [rate(small, 0.9)],
    };
  };
  const { page, inbox } = options.sizes;
  const pages = { once: pageOf(options, 'once'), tenfold: pageOf(options, 'tenfold') };
  const inboxes = { once: inboxOf('once'), tenfold: inboxOf('tenfold') };
  return [grown('w7-w2', pages, page, 'messages'), grown('w7-w3', inboxes, inbox, 'threads')];
};

const starts = (contestants: Contestants): Workload => ({
  id: 'start',
  title: 'from spawning node dist/main.js to the first answer',
  metrics: ['time'],
  writes: false,
  contestants: contestants.starting(),
  goals: [{ metric: 'time', atMost: 1_500 }],
});

export const workloadsOf = (contestants: Contestants, options: Options): Workload[] => [
  ...sends(contestants),
  ...reads(contestants, options),
  ...fanOuts(contestants, options),
  ...lives(contestants, options),
  ...growths(contestants, options),
  starts(contestants),
];
