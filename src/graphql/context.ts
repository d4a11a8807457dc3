import type { Identity } from '../auth/identity.js';
import type { AppError } from '../errors.js';
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

const NO_REQUEST = {};

class OperationContext implements GraphqlContext {
  readonly viewer;
  declare readonly refusal?: AppError;
  declare startState?: Promise<JournalState>;
  /** Nest copies every context that has none, to put the HTTP request in; nothing here may depend on a transport. */
  readonly req = NO_REQUEST;
  private madeLoaders: Loaders | undefined;
  private madeId: string | undefined;

  constructor({ viewer, refusal }: Identity) {
    this.viewer = viewer;
    if (refusal !== undefined) this.refusal = refusal;
  }

  /** Made when they are asked for: a subscription that waits keeps its context. */
  get loaders(): Loaders {
    return (this.madeLoaders ??= new Loaders());
  }

  /** Made when it is asked for: most operations fail in nothing and are not logged. */
  get correlationId(): string {
    return (this.madeId ??= crypto.randomUUID());
  }
}

export const createContext = (identity: Identity): GraphqlContext => new OperationContext(identity);
