import { sendThread } from '../data/ids.js';
import type { Measurement } from '../measurement.js';
import type { Protocol } from '../protocols/protocol.js';
import { sleep } from '../../faults/random.js';
import { LiveRun } from './live-run.js';
import { Window } from './window.js';

export interface FanOutLoad {
  readonly kind: 'fan-out';
  /** Sockets of the thread's two people. */
  readonly sockets: number;
  /** Messages a second; undefined for as many as go through. */
  readonly pace: number | undefined;
}

const SENDERS = 16;
/** Messages that may be under way at a time, where there is no pace. */
const UNDER_WAY = 8;

/** One thread that many sockets follow. The rate is that of deliveries, not of messages. */
export async function runFanOut(
  protocol: Protocol,
  port: number,
  { sockets, pace }: FanOutLoad,
  warmUp: number,
  seconds: number,
): Promise<Measurement> {
  const thread = sendThread(0);
  const places = Array.from({ length: sockets }, (_, place) => ({
    thread,
    viewer: place % 2 === 0 ? thread.tourist : thread.guide,
  }));
  const run = await LiveRun.open(protocol, port, places, sockets, SENDERS);
  const window = new Window(warmUp, seconds);
  run.begin(window);
  const sends = new Set<Promise<void>>();
  const send = (): void => {
    const author = run.sent % 2 === 0 ? thread.guide : thread.tourist;
    const sent = run.send(thread, author).finally(() => sends.delete(sent));
    sends.add(sent);
  };
  if (pace === undefined)
    while (!window.isOver && !run.isBroken) {
      while (run.sent - run.arrived < UNDER_WAY) send();
      // A loss must not make this wait for ever.
      await Promise.race([run.arrival(), sleep(500)]);
    }
  else
    for (let due = window.begin; due < window.to; due += 1_000 / pace) {
      await sleep(Math.max(0, due - performance.now()));
      send();
    }
  await Promise.all(sends);
  return run.finish(run.counted / seconds);
}
