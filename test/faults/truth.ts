import { ask } from '../../src/verify/caller.js';
import type { Faults, Seen } from '../../src/verify/deliveries.js';
import { add, compare, noFaults } from '../../src/verify/deliveries.js';
import type { People, Person } from './people.js';
import { sleep } from './random.js';
import type { World } from './world.js';

/** Notifications are made in the background, by whichever node lives. */
const NOTIFY_MS = 10_000;

interface Unread {
  readonly userId: string;
  readonly threadId: string;
  readonly count: number;
}

export interface Findings extends Faults {
  /** Threads whose messages are not numbered 1, 2, 3 … */
  gaps: number;
  wrongUnread: number;
  /** Threads whose unread messages are not told by one notification with their count, and wrong totals. */
  wrongNotifications: number;
  /** Cursors that the server could not go on behind. */
  resyncs: number;
  /** Requests that were refused, of which none should be. */
  refused: number;
}

interface Totals {
  readonly viewer: { readonly unreadMessageCount: number; readonly unreadThreadCount: number };
  readonly threads: { readonly nodes: readonly { id: string; unreadCount: number }[] };
}

/** Compares what was promised and what was seen with what PostgreSQL holds, counted anew. */
export async function examine(world: World, people: People): Promise<Findings> {
  const stored = await world.postgres.query<Seen>(
    'parley',
    'SELECT id, thread_id AS "threadId", sequence, body FROM messages ORDER BY thread_id, sequence',
  );
  const unread = await world.postgres.query<Unread>(
    'parley',
    `SELECT p.user_id AS "userId", p.thread_id AS "threadId", count(m.id)::integer AS count
     FROM participants p LEFT JOIN messages m
       ON m.thread_id = p.thread_id AND m.author_id <> p.user_id AND m.sequence > p.last_read_sequence
     GROUP BY 1, 2`,
  );
  const findings: Findings = {
    ...noFaults(),
    gaps: 0,
    wrongUnread: 0,
    wrongNotifications: 0,
    resyncs: 0,
    refused: people.refusals.length,
  };
  add(findings, unkeptPromises(people.acknowledged, stored));
  findings.gaps = stored.filter(({ threadId, sequence }, index) => {
    const before = stored[index - 1];
    return sequence !== (before?.threadId === threadId ? before.sequence + 1 : 1);
  }).length;
  for (const person of people.people) {
    const own = new Map(
      stored
        .filter(({ threadId }) => person.threadIds.includes(threadId))
        .map((message) => [message.id, message]),
    );
    for (const { seen, device } of person.witnesses) {
      add(findings, compare(own, seen));
      findings.resyncs += device.resyncs;
    }
    const counts = unread.filter(({ userId }) => userId === person.userId);
    findings.wrongUnread += await wrongUnread(world, person, counts);
    findings.wrongNotifications += await wrongNotifications(world, person, counts);
  }
  return findings;
}

/** Acknowledged messages that are not there (or not as they were acknowledged), and messages that are there twice. */
function unkeptPromises(acknowledged: readonly Seen[], stored: readonly Seen[]): Faults {
  const byId = new Map(stored.map((message) => [message.id, message]));
  const isKept = ({ id, sequence, body, threadId }: Seen): boolean => {
    const message = byId.get(id);
    return message?.sequence === sequence && message.body === body && message.threadId === threadId;
  };
  return {
    ...noFaults(),
    lost: acknowledged.filter((message) => !isKept(message)).length,
    // Each body is sent once.
    doubled: stored.length - new Set(stored.map(({ body }) => body)).size,
  };
}

/** Every place where a person is told a number of unread messages must tell the counted one. */
async function wrongUnread(
  world: World,
  { token, witnesses }: Person,
  counts: readonly Unread[],
): Promise<number> {
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  const threads = counts.filter(({ count }) => count > 0).length;
  const told: [number, number][] = witnesses.map(({ last }) => [
    last?.unreadMessageCount ?? 0,
    last?.unreadThreadCount ?? 0,
  ]);
  let wrong = 0;
  for (const station of world.stations) {
    const { viewer, threads: list } = await ask<Totals>(
      () => world.addressOf(station),
      token,
      '{ viewer { unreadMessageCount unreadThreadCount } threads(first: 50) { nodes { id unreadCount } } }',
      {},
    );
    told.push([viewer.unreadMessageCount, viewer.unreadThreadCount]);
    wrong += counts.filter(
      ({ threadId, count }) => list.nodes.find(({ id }) => id === threadId)?.unreadCount !== count,
    ).length;
  }
  return wrong + told.filter(([sum, many]) => sum !== total || many !== threads).length;
}

interface Told {
  readonly viewer: { readonly unreadNotificationCount: number };
  readonly notifications: {
    readonly nodes: readonly { type: string; threadId: string; count: number }[];
    readonly pageInfo: { readonly hasNextPage: boolean };
  };
}

/** What is wrong with a person's notifications once the background work has had its time. */
async function wrongNotifications(
  world: World,
  { token }: Person,
  counts: readonly Unread[],
): Promise<number> {
  const end = Date.now() + NOTIFY_MS;
  for (;;) {
    const { viewer, notifications } = await ask<Told>(
      () => world.addressOf(world.stations[0]!),
      token,
      `{ viewer { unreadNotificationCount } notifications(unread: true, first: 100) {
         nodes { type threadId count } pageInfo { hasNextPage } } }`,
      {},
    );
    const { nodes, pageInfo } = notifications;
    const wrong = counts.filter(({ threadId, count }) => {
      const told = nodes.filter(
        (node) => node.type === 'NEW_MESSAGE' && node.threadId === threadId,
      );
      return told.length !== (count > 0 ? 1 : 0) || (told[0]?.count ?? 0) !== count;
    }).length;
    const total = viewer.unreadNotificationCount;
    const all = wrong + (pageInfo.hasNextPage || total === nodes.length ? 0 : 1);
    if (all === 0 || Date.now() > end) return all;
    await sleep(200);
  }
}
