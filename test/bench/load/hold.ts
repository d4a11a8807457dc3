import { backgroundThread } from '../data/ids.js';
import type { Measurement } from '../measurement.js';
import type { Protocol } from '../protocols/protocol.js';
import { Followers } from './followers.js';
import { openSender } from './sender.js';

export interface HoldLoad {
  readonly kind: 'hold';
  readonly sockets: number;
  /** Threads to follow; several sockets follow one where there are more sockets. */
  readonly threads: number;
  /** Whether each must hear a message in the end, which shows that it was subscribed. */
  readonly isProbed: boolean;
}

/**
 * Follows threads in which nothing happens until the sockets have been measured: what a message leaves behind in the server is
 * no part of that.
 * @param connected is told when everybody is connected, and settles when they may go
 */
export async function runHold(
  protocol: Protocol,
  port: number,
  { sockets, threads, isProbed }: HoldLoad,
  connected: () => Promise<void>,
): Promise<Measurement> {
  const places = Array.from({ length: sockets }, (_, place) => {
    const thread = backgroundThread(place % threads);
    return { thread, viewer: thread.tourist };
  });
  const followers = new Followers(protocol, places, () => undefined);
  await followers.open(port);
  await connected();
  if (isProbed) {
    const sender = await openSender(protocol, port, places[0]!.viewer);
    await followers.awaitLive(sender);
    sender.close();
  }
  const { wrong } = followers;
  followers.close();
  return { values: {}, operations: sockets, wrong };
}
