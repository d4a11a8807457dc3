import { once } from 'node:events';
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

/** Follows threads in which nothing happens until standard input ends, and says when everybody is connected. */
export async function runHold(
  protocol: Protocol,
  port: number,
  { sockets, threads }: HoldLoad,
): Promise<Measurement> {
  const places = Array.from({ length: sockets }, (_, place) => {
    const thread = backgroundThread(place % threads);
    return { thread, viewer: thread.tourist };
  });
  const followers = new Followers(protocol, places, () => undefined);
  await followers.open(port);
  console.log('connected');
  await once(process.stdin.resume(), 'end');
  const { closed } = followers;
  followers.close();
  return {
    values: {},
    operations: sockets,
    wrong: wrongs({ 'sockets closed by the server': closed }),
  };
}
