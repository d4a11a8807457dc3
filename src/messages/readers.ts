import type { Instant } from '../instants.js';
import { toInstant } from '../instants.js';
import type { MessageRow, ReaderRow } from './message-rows.js';

/** Messages at most so far apart share a look; what lies between them is read in vain. */
const MOST_APART = 8;

/** Messages of one thread that are near to each other, by sequence. */
type Stretch = readonly [first: MessageRow, ...rest: MessageRow[]];

/**
 * How far a person has come in a stretch, which counts from 1. The receipts are as many as the stretch is long, from its
 * first message on and in their order; null where there are none.
 */
export type Standing = readonly [
  stretch: number,
  userId: string,
  joinedSequence: number,
  lastDeliveredSequence: number,
  upTo: readonly number[] | null,
  readAt: readonly string[] | null,
];

/**
 * SQL for the standings of everybody in the threads of stretches. Each receipt is at another message, so as many as a stretch
 * is long, from its first message on, say of all of it when it was read: one range of the index instead of a look for each
 * message.
 * @param stretches what stands in FROM for rows `s` of stretch, thread_id, low and high
 */
export const selectStandings = (stretches: string): string => `
  SELECT coalesce(json_agg(json_build_array(
    s.stretch, p.user_id, p.joined_sequence, p.last_delivered_sequence, receipts.up_to, receipts.read_at
  )), '[]') AS standings
  FROM ${stretches} JOIN participants p ON p.thread_id = s.thread_id
  CROSS JOIN LATERAL (
    SELECT array_agg(r.up_to_sequence) AS up_to, array_agg(r.read_at) AS read_at
    FROM (
      SELECT f.up_to_sequence, f.read_at FROM read_receipts f
      WHERE f.thread_id = s.thread_id AND f.user_id = p.user_id AND f.up_to_sequence >= s.low
      ORDER BY f.up_to_sequence LIMIT s.high - s.low + 1
    ) AS r
  ) AS receipts`;

/** Their threads, and their first and last sequences. */
export const toRanges = (
  stretches: readonly Stretch[],
): [threadIds: string[], low: number[], high: number[]] => [
  stretches.map(([first]) => first.threadId),
  stretches.map(([first]) => first.sequence),
  stretches.map((stretch) => (stretch.at(-1) ?? stretch[0]).sequence),
];

/** By thread and sequence. A page of one thread from which nothing is left out is a stretch in this order. */
export const inOrder = (messages: readonly MessageRow[]): MessageRow[] =>
  [...messages].sort(byPlace);

export function toStretches(messages: readonly MessageRow[]): Stretch[] {
  const stretches: [MessageRow, ...MessageRow[]][] = [];
  let last: MessageRow | undefined;
  for (const message of inOrder(messages)) {
    const isNear =
      last?.threadId === message.threadId && message.sequence - last.sequence <= MOST_APART;
    if (isNear) stretches.at(-1)?.push(message);
    else stretches.push([message]);
    last = message;
  }
  return stretches;
}

/**
 * @param stretches their messages by sequence
 * @returns everybody else who was in the thread when a message came, in the order of reading; of the stretches and their
 *   messages, in their order
 */
export function toReaders(
  stretches: readonly (readonly MessageRow[])[],
  standings: readonly Standing[],
): ReaderRow[][][] {
  const readers = stretches.map((stretch) => stretch.map((): ReaderRow[] => []));
  for (const [place, userId, joined, delivered, upTo, readAt] of standings) {
    const others = readers[place - 1] ?? [];
    let receipt = 0;
    for (const [index, { sequence, authorId }] of (stretches[place - 1] ?? []).entries()) {
      // It was read with the first receipt that reaches it.
      while ((upTo?.[receipt] ?? Infinity) < sequence) receipt += 1;
      if (joined >= sequence || userId === authorId) continue;
      const at = readAt?.[receipt];
      others[index]?.push({
        userId,
        delivered: delivered >= sequence,
        readAt: at === undefined ? null : toInstant(at),
      });
    }
  }
  for (const stretch of readers)
    for (const others of stretch) if (others.length > 1) others.sort(byReading);
  return readers;
}

const byReading = (one: ReaderRow, other: ReaderRow): number =>
  compare(one.readAt ?? NEVER, other.readAt ?? NEVER) || compare(one.userId, other.userId);

const byPlace = (one: MessageRow, other: MessageRow): number =>
  compare(one.threadId, other.threadId) || one.sequence - other.sequence;

/** After every instant. */
const NEVER: Instant = '~';

const compare = (one: string, other: string): number => Number(one > other) - Number(one < other);
