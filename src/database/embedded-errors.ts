import { StartError } from '../errors.js';
import { errorCode, reasonOf } from '../reasons.js';

export class EmbeddedServerError extends StartError {
  override readonly name: string = 'EmbeddedServerError';
}

export class AlreadyRunningError extends EmbeddedServerError {
  override readonly name = 'AlreadyRunningError';

  constructor(dataDir: string) {
    super(
      `parley is already running on the data directory ${dataDir}. ` +
        'Stop that one first, or give this one a directory of its own (DATA_DIR).',
    );
  }
}

/** What a file or PostgreSQL itself refuses, the operator can change; a fault of ours has no code, and stays as it is. */
export function toEmbeddedServerError(error: unknown): unknown {
  if (error instanceof EmbeddedServerError || errorCode(error) === undefined) return error;
  return new EmbeddedServerError(
    `PostgreSQL cannot be started in the data directory (DATA_DIR): ${reasonOf(error)}`,
    { cause: error },
  );
}
