import { fileURLToPath } from 'node:url';
import { sleep } from '../faults/random.js';
import type { HoldLoad } from './load/hold.js';
import { LoadProcess } from './load-process.js';
import type { Measurement } from './measurement.js';
import type { ProtocolName } from './protocols/index.js';
import { type Systems, systemOf } from './systems.js';

const PRELOAD = fileURLToPath(new URL('./memory-report.mjs', import.meta.url));
/** What a server needs for its first sockets (compiled code, caches) belongs to the base. */
const FIRST_SOCKETS = 20;
const SETTLE_MS = 1_500;
const KB = 1_024;

/** What a connected socket with a subscription takes, in a server of its own: with many, less the base, a socket. */
export async function measureMemory(
  systems: Systems,
  protocol: ProtocolName,
  sockets: number,
  threads: number,
): Promise<Measurement> {
  const nodeOptions = ['--expose-gc', '--import', PRELOAD];
  const server = await systems.startAnother(systemOf(protocol), nodeOptions);
  const holder = new LoadProcess();
  const hold = async (
    count: number,
    isProbed: boolean,
  ): Promise<{ memory: NodeJS.MemoryUsage; measurement: Measurement }> => {
    const load: HoldLoad = { kind: 'hold', sockets: count, threads, isProbed };
    const held = await holder.hold({ protocol, port: server.port, load, warmUp: 0, seconds: 0 });
    await sleep(SETTLE_MS);
    const memory = await server.memory();
    return { memory, measurement: await held.release() };
  };
  try {
    // Without messages: what they leave behind would be in the base, and be given back while the others are held.
    const first = await hold(FIRST_SOCKETS, false);
    await sleep(SETTLE_MS);
    const base = await server.memory();
    const { memory, measurement } = await hold(sockets, true);
    return {
      values: {
        rss: (memory.rss - base.rss) / sockets / KB,
        heap: (memory.heapUsed - base.heapUsed) / sockets / KB,
      },
      operations: sockets,
      wrong: [...first.measurement.wrong, ...measurement.wrong],
    };
  } finally {
    await holder.stop();
    await server.stop();
  }
}
