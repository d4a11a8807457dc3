import { SEND_THREADS, sendThread } from '../data/ids.js';
import type { Measurement } from '../measurement.js';
import type { Protocol } from '../protocols/protocol.js';
import { Random, sleep } from '../../faults/random.js';
import { LiveRun } from './live-run.js';
import { Window } from './window.js';

export interface SeenLoad {
  readonly kind: 'seen';
  /** Messages a second, over all threads. */
  readonly pace: number;
}

const SENDERS = 48;

/**
 * From the tourist's sending a message until the guide sees it. An open loop: messages come when people write (at random,
 * the same for every system), whether or not the earlier ones have arrived.
 */
export async function runSeen(
  protocol: Protocol,
  port: number,
  { pace }: SeenLoad,
  warmUp: number,
  seconds: number,
): Promise<Measurement> {
  const threads = Array.from({ length: SEND_THREADS }, (_, place) => sendThread(place));
  const places = threads.map((thread) => ({ thread, viewer: thread.guide }));
  const run = await LiveRun.open(protocol, port, places, 1, SENDERS);
  const random = new Random(1);
  const window = new Window(warmUp, seconds);
  run.begin(window);
  const sends: Promise<void>[] = [];
  for (
    let due = window.begin;
    due < window.to;
    due -= (Math.log(1 - random.next()) * 1_000) / pace
  ) {
    const left = due - performance.now();
    if (left > 0) await sleep(left);
    const thread = random.pick(threads);
    sends.push(run.send(thread, thread.tourist));
  }
  await Promise.all(sends);
  return run.finish(run.counted / seconds);
}
