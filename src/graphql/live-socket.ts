import type { GraphQLError } from 'graphql';
import type { Told } from './text-frames.js';

/** A client's socket, as live operations see it. */
export interface LiveSocket {
  /** False while the socket has more waiting than it should. */
  readonly ready: boolean;
  /**
   * Sends messages of an operation, the first in any case and more as long as the socket is ready; all of one turn leave
   * together.
   * @returns of how many the client has been told by then, those without a body among them
   */
  write(told: Told): number;
  /** Resolves when all that was sent has left, also when the socket is gone by then. */
  sent(): Promise<void>;
  /** Ends the operation with errors. */
  fail(operation: LiveOperation, errors: readonly GraphQLError[]): void;
}

/** A subscription that writes its own messages: graphql-ws holds its place, ends it by return() and never iterates it. */
export interface LiveOperation extends AsyncIterable<never> {
  readonly id: string;
  /** The place is taken. */
  begin(): void;
  return(): void;
}
