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

/** Their threads, and their first and last sequences. */
export const toRanges = (
  stretches: readonly Stretch[],
): [threadIds: string[], low: number[], high: number[]] => [
  stretches.map(([first]) => first.threadId),
  stretches.map(([first]) => first.sequence),
  stretches.map((stretch) => (stretch.at(-1) ?? stretch[0]).sequence),
];

export function toStretches(messages: readonly MessageRow[]): Stretch[] {
  const stretches: [MessageRow, ...MessageRow[]][] = [];
  let last: MessageRow | undefined;
  for (const message of [...messages].sort(byPlace)) {
    const isNear =
      last?.threadId === message.threadId && message.sequence - last.sequence <= MOST_APART;
    if (isNear) stretches.at(-1)?.push(message);
    else stretches.push([message]);
    last = message;
  }
  return stretches;
}

/** @returns of each message everybody else who was in the thread when it came, in the order of reading */
export function toReaders(
  stretches: readonly Stretch[],
  standings: readonly Standing[],
): ReadonlyMap<MessageRow, ReaderRow[]> {
  const readers = new Map<MessageRow, ReaderRow[]>();
  for (const stretch of stretches) for (const message of stretch) readers.set(message, []);
  for (const [place, userId, joined, delivered, upTo, readAt] of standings) {
    const instants = (readAt ?? []).map(toInstant);
    let receipt = 0;
    for (const message of stretches[place - 1] ?? []) {
      const { sequence, authorId } = message;
      // It was read with the first receipt that reaches it.
      while ((upTo?.[receipt] ?? Infinity) < sequence) receipt += 1;
      if (joined < sequence && userId !== authorId)
        readers.get(message)?.push({
          userId,
          delivered: delivered >= sequence,
          readAt: instants[receipt] ?? null,
        });
    }
  }
  for (const others of readers.values()) if (others.length > 1) others.sort(byReading);
  return readers;
}

const byReading = (one: ReaderRow, other: ReaderRow): number =>
  compare(one.readAt ?? NEVER, other.readAt ?? NEVER) || compare(one.userId, other.userId);

const byPlace = (one: MessageRow, other: MessageRow): number =>
  compare(one.threadId, other.threadId) || one.sequence - other.sequence;

/** After every instant. */
const NEVER: Instant = '~';

const compare = (one: string, other: string): number => Number(one > other) - Number(one < other);
