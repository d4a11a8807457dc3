import { sendThread } from '../data/ids.js';
import { type Measurement, wrongs } from '../measurement.js';
import type { Protocol } from '../protocols/protocol.js';
import { LATENCIES, percentiles } from '../statistics.js';
import { Failures } from './failures.js';
import { openSender } from './sender.js';
import { Window } from './window.js';

export interface SendLoad {
  readonly kind: 'send';
  readonly connections: number;
  readonly threads: number;
}

const BODY = 'Hello! I have a question about the tour schedule.';
/** Prime to the number of threads: all get their turn, and neighbours are far apart. */
const STRIDE = 7_919;

/** Sends in a closed loop: each connection sends the next message once the last one has been acknowledged. */
export async function runSend(
  protocol: Protocol,
  port: number,
  { connections, threads: count }: SendLoad,
  warmUp: number,
  seconds: number,
): Promise<Measurement> {
  const threads = Array.from({ length: count }, (_, place) => sendThread(place));
  const numbers = threads.map(() => new Map<number, number>());
  const latencies: number[] = [];
  const failures = new Failures();
  const senders = await Promise.all(
    Array.from({ length: connections }, () => openSender(protocol, port, threads[0]!.tourist)),
  );
  const window = new Window(warmUp, seconds);
  let next = 0;
  let acknowledged = 0;
  await Promise.all(
    senders.map(async (sender) => {
      while (!window.isOver) {
        const turn = next++;
        const place = (turn * STRIDE) % count;
        const thread = threads[place]!;
        const author = Math.floor(turn / count) % 2 === 0 ? thread.tourist : thread.guide;
        const began = performance.now();
        try {
          const number = await sender.send(thread, author, BODY);
          const now = performance.now();
          acknowledged += 1;
          numbers[place]!.set(number, (numbers[place]!.get(number) ?? 0) + 1);
          if (window.counts(now)) latencies.push(now - began);
        } catch (error) {
          failures.add(error);
        }
      }
      sender.close();
    }),
  );
  return {
    values: { rate: latencies.length / seconds, ...percentiles(latencies, LATENCIES) },
    operations: acknowledged,
    wrong: [...failures.wrong, ...numbers.flatMap(examine)],
  };
}

/** The numbers that one thread's messages were given must be one unbroken stretch. */
function examine(counts: ReadonlyMap<number, number>): string[] {
  const numbers = [...counts.keys()].sort((a, b) => a - b);
  const stretch = numbers.length === 0 ? 0 : numbers.at(-1)! - numbers[0]! + 1;
  const doubled = [...counts.values()].filter((count) => count > 1).length;
  return wrongs({ 'numbers given twice': doubled, 'numbers left out': stretch - numbers.length });
}
