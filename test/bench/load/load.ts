import type { ProtocolName } from '../protocols/index.js';
import type { FanOutLoad } from './fan-out.js';
import type { HoldLoad } from './hold.js';
import type { InboxLoad, PageLoad } from './read.js';
import type { SeenLoad } from './seen.js';
import type { SendLoad } from './send.js';

export type Load = SendLoad | PageLoad | InboxLoad | FanOutLoad | SeenLoad | HoldLoad;

/** All that the process of a load generator is told. */
export interface LoadTask {
  readonly protocol: ProtocolName;
  readonly port: number;
  readonly load: Load;
  /** Seconds before those that count. */
  readonly warmUp: number;
  readonly seconds: number;
}
