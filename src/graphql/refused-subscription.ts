import type { GraphQLError } from 'graphql';
import type { LiveOperation, LiveSocket } from './live-socket.js';

/**
 * A subscription that does not come to run. graphql-ws would send its errors as an event and complete it, which to a client is
 * a stream that has ended well; the protocol has a message for errors that end an operation.
 */
export class RefusedSubscription implements LiveOperation {
  constructor(
    readonly id: string,
    readonly errors: readonly GraphQLError[],
    private readonly socket: LiveSocket,
  ) {}

  begin(): void {
    this.socket.fail(this, this.errors);
  }

  return(): void {
    // Nothing runs.
  }

  [Symbol.asyncIterator](): AsyncIterator<never> {
    throw new Error('BUG: a refused subscription has no events');
  }
}
