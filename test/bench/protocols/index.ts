import { parley } from './parley.js';
import type { Protocol } from './protocol.js';
import { raw, rawSockets } from './raw.js';
import { socketIo } from './socket-io.js';
import { tutorial } from './tutorial.js';

export const PROTOCOLS = {
  parley,
  raw,
  'raw-sockets': rawSockets,
  'socket.io': socketIo,
  tutorial,
} satisfies Record<string, Protocol>;

export type ProtocolName = keyof typeof PROTOCOLS;
