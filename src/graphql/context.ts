import type { Identity } from '../auth/identity.js';
import type { JournalState } from '../inbox/journal-entry.js';
import { Loaders } from './loaders.js';

/** What every resolver can reach, the same on both transports. */
export interface GraphqlContext extends Identity {
  readonly loaders: Loaders;
  /** Names the log lines of this operation; in the answer of an internal error. */
  readonly correlationId: string;
  /** The viewer's journal and totals, read before anything else of the operation, where it asks for viewer.cursor. */
  startState?: Promise<JournalState>;
}

export const createContext = (identity: Identity): GraphqlContext => ({
  ...identity,
  loaders: new Loaders(),
  correlationId: crypto.randomUUID(),
});
