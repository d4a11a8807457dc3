import { backgroundThread } from '../data/ids.js';
import type { Measurement } from '../measurement.js';
import { wrongs } from '../measurement.js';
import type { Protocol } from '../protocols/protocol.js';
import { Followers } from './followers.js';

export interface HoldLoad {
  readonly kind: 'hold';
  readonly sockets: number;
  /** Threads to follow; several sockets follow one where there are more sockets. */
  readonly threads: number;
}

/**
 * Follows threads in which nothing happens.
 * @param connected is told when everybody is connected, and settles when they may go
 */
export async function runHold(
  protocol: Protocol,
  port: number,
  { sockets, threads }: HoldLoad,
  connected: () => Promise<void>,
): Promise<Measurement> {
  const places = Array.from({ length: sockets }, (_, place) => {
    const thread = backgroundThread(place % threads);
    return { thread, viewer: thread.tourist };
  });
  const followers = new Followers(protocol, places, () => undefined);
  await followers.open(port);
  await connected();
  const { closed } = followers;
  followers.close();
  return {
    values: {},
    operations: sockets,
    wrong: wrongs({ 'sockets closed by the server': closed }),
  };
}
