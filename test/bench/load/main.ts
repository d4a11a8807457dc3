// A load generator: each line of standard input is a LoadTask, and is answered by a line with the Measurement.
import { createInterface } from 'node:readline';
import type { Measurement } from '../measurement.js';
import { PROTOCOLS } from '../protocols/index.js';
import { runFanOut } from './fan-out.js';
import { runHold } from './hold.js';
import { CONNECTED, type LoadTask } from './load.js';
import { runRead } from './read.js';
import { runSeen } from './seen.js';
import { runSend } from './send.js';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Held sockets are let go of by another line. */
async function connected(): Promise<void> {
  console.log(CONNECTED);
  await lines.next();
}

function run({ protocol: name, port, load, warmUp, seconds }: LoadTask): Promise<Measurement> {
  const protocol = PROTOCOLS[name];
  switch (load.kind) {
    case 'send':
      return runSend(protocol, port, load, warmUp, seconds);
    case 'page':
    case 'inbox':
      return runRead(protocol, port, load, warmUp, seconds);
    case 'fan-out':
      return runFanOut(protocol, port, load, warmUp, seconds);
    case 'seen':
      return runSeen(protocol, port, load, warmUp, seconds);
    case 'hold':
      return runHold(protocol, port, load, connected);
  }
}

for await (const line of { [Symbol.asyncIterator]: () => lines }) {
  const measurement = await run(JSON.parse(line) as LoadTask).catch(
    (error: unknown): Measurement => ({
      values: {},
      operations: 0,
      wrong: [error instanceof Error ? error.message : String(error)],
    }),
  );
  console.log(JSON.stringify(measurement));
}
process.exit(0);
