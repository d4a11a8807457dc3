import type { ProtocolName } from '../protocols/index.js';
import type { FanOutLoad } from './fan-out.js';
import type { HoldLoad } from './hold.js';
import type { InboxLoad, PageLoad } from './read.js';
import type { SeenLoad } from './seen.js';
import type { SendLoad } from './send.js';

export type Load = SendLoad | PageLoad | InboxLoad | FanOutLoad | SeenLoad | HoldLoad;

/** What a load generator says once the sockets that it holds are connected. */
export const CONNECTED = 'connected';

/** All that a load generator is told of a run. */
export interface LoadTask {
  readonly protocol: ProtocolName;
  readonly port: number;
  readonly load: Load;
  /** Seconds before those that count. */
  readonly warmUp: number;
  readonly seconds: number;
}
