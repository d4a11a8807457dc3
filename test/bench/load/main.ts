// One run of a load generator, in a process of its own: takes a LoadTask as its argument and prints a Measurement.
import type { Measurement } from '../measurement.js';
import { PROTOCOLS } from '../protocols/index.js';
import { runFanOut } from './fan-out.js';
import { runHold } from './hold.js';
import type { LoadTask } from './load.js';
import { runRead } from './read.js';
import { runSeen } from './seen.js';
import { runSend } from './send.js';

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
      return runHold(protocol, port, load);
  }
}

const measurement = await run(JSON.parse(process.argv[2] ?? '') as LoadTask).catch(
  (error: unknown): Measurement => ({
    values: {},
    operations: 0,
    wrong: [error instanceof Error ? error.message : String(error)],
  }),
);
console.log(JSON.stringify(measurement));
process.exit(0);
