import { verify } from '../../src/verify/verify.js';
import type { DeliveryReport } from '../../src/verify/verify.js';
import { Proxy } from './proxy.js';
import { sleep } from './random.js';
import type { Station } from './world.js';
import { World } from './world.js';

const PROBE_MS = 100;

/**
 * Restarts both nodes one after the other, twice, while messages flow through a balancer before them.
 * @throws when a request fails that a client would not simply send again
 */
export async function rollingRestart(
  messages: number,
  say: (line: string) => void,
): Promise<DeliveryReport> {
  const world = await World.start();
  const ready = new ReadyNodes(world.stations);
  const balancer = await Proxy.start(() => ready.next());
  try {
    const verifying = verify({
      url: `http://127.0.0.1:${balancer.port}/graphql`,
      token: await world.token('tess'),
      threadId: null,
      clients: 12,
      messages,
      cuts: 0,
      perSecond: 60,
    });
    verifying.catch(() => undefined);
    for (const { node } of [...world.stations, ...world.stations]) {
      await sleep(1_500);
      say(`restarting the ${node.name} node`);
      await node.restart();
    }
    return await verifying;
  } finally {
    ready.stop();
    balancer.stop();
    await world.stop();
  }
}

/** What a balancer knows: who answered its last probe of /health/ready. */
class ReadyNodes {
  readonly #ports = new Set<number>();
  readonly #timer: NodeJS.Timeout;
  #turn = 0;

  constructor(private readonly stations: readonly Station[]) {
    for (const { node } of stations) this.#ports.add(node.port);
    this.#timer = setInterval(() => {
      for (const { node } of this.stations) void this.#probe(node.port);
    }, PROBE_MS);
  }

  /** In turn; a port where nobody listens when nobody is ready. */
  next(): number {
    const ports = [...this.#ports];
    return ports[this.#turn++ % Math.max(ports.length, 1)] ?? 1;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #probe(port: number): Promise<void> {
    const { ok } = await fetch(`http://127.0.0.1:${port}/health/ready`, {
      signal: AbortSignal.timeout(1_000),
    }).catch(() => ({ ok: false }));
    if (ok) this.#ports.add(port);
    else this.#ports.delete(port);
  }
}
