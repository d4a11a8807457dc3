import { type Scale, SEND_THREADS, times } from './data/ids.js';
import type { FanOutLoad } from './load/fan-out.js';
import type { Load } from './load/load.js';
import type { InboxLoad, PageLoad } from './load/read.js';
import type { SendLoad } from './load/send.js';
import type { Options } from './options.js';

export const CONNECTIONS = 16;
export const PAGE_SIZE = 50;
export const SEEN_PACE = 200;

export const sendTo = (threads: number): SendLoad => ({
  kind: 'send',
  connections: CONNECTIONS,
  threads,
});

export const pageOf = ({ sizes }: Options, scale: Scale, withRead = false): PageLoad => ({
  kind: 'page',
  connections: CONNECTIONS,
  scale,
  size: PAGE_SIZE,
  withRead,
  length: sizes.page * times(scale),
});

export const inboxOf = (scale: Scale): InboxLoad => ({
  kind: 'inbox',
  connections: CONNECTIONS,
  scale,
  size: PAGE_SIZE,
});

/** Without a pace, as much as goes through. */
export const fanOutTo = (sockets: number, pace?: number): FanOutLoad => ({
  kind: 'fan-out',
  sockets,
  pace,
});

/** Messages a second that all systems can keep up with. */
export const paceFor = (sockets: number): number => {
  if (sockets >= 1_000) return 10;
  return sockets >= 100 ? 50 : 100;
};

/**
 * What is sent at a fixed rate is sent for so long at least. A p99 is one of a hundred: with fewer messages, a machine that
 * stops once for 30 ms decides it.
 */
export const PACED_SECONDS = 10;

/** What parley can be profiled under. */
export const loadsOf = (options: Options): Readonly<Record<string, Load>> => ({
  w1: sendTo(SEND_THREADS),
  'w1-hot': sendTo(1),
  w2: pageOf(options, 'once'),
  'w2-read': pageOf(options, 'once', true),
  w3: inboxOf('once'),
  'w4-10': fanOutTo(10),
  'w4-100': fanOutTo(100),
  'w4-1000': fanOutTo(1_000),
  w6: { kind: 'seen', pace: SEEN_PACE },
});
