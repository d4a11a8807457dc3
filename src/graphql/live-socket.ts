import type { GraphQLError } from 'graphql';
import type { TextMessage } from './text-frames.js';

/** A client's socket, as live operations see it. */
export interface LiveSocket {
  /** False while the socket has more waiting than it should. */
  readonly ready: boolean;
  /** Sends a message of an operation; all of one turn leave together. */
  write(message: TextMessage): void;
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
