import type { ExecutionResult } from 'graphql';
import type { Context, SubscribePayload } from 'graphql-ws';
import type { JournalOperation } from './live-operation.js';

/** Holds the place of an operation that is being prepared, and hears if the client completes it, or goes, before it runs. */
export class Reservation implements AsyncIterable<never> {
  isEnded = false;

  return(): void {
    this.isEnded = true;
  }

  [Symbol.asyncIterator](): AsyncIterator<never> {
    throw new Error('BUG: there is nothing to iterate yet');
  }
}

/**
 * Takes journal operations over from graphql-ws. It would wait for the end of each in a function of its own, and with the
 * function would wait the client's message, its text and the promises of an iterator: more than the operation itself. All that
 * the operation needs of graphql-ws is a place among the socket's `subscriptions`, by which it refuses an id that is in use,
 * and ends what the client completes or leaves. So the place is cleared, as if the client had completed the operation, which
 * ends the function without a word, and is taken again when the function has ended. Nothing is heard of a client in between:
 * there are only promises that are fulfilled already.
 */
export class LiveHandover {
  /** Payloads of the messages whose functions are about to end. */
  readonly #ending = new Set<SubscribePayload>();
  #toPlace: (() => void)[] = [];

  reserve({ subscriptions }: Context, id: string): Reservation {
    return (subscriptions[id] = new Reservation());
  }

  /** @returns what graphql-ws is to be given for the operation */
  begin(
    { subscriptions }: Context,
    payload: SubscribePayload,
    reservation: Reservation,
    operation: JournalOperation,
  ): ExecutionResult {
    const { id } = operation;
    const occupant = subscriptions[id];
    Reflect.deleteProperty(subscriptions, id);
    this.#ending.add(payload);
    this.#toPlace.push(() => {
      if (!reservation.isEnded) {
        subscriptions[id] = operation;
        operation.begin();
        return;
      }
      operation.return();
      // The client has used the id again since it completed this operation.
      if (occupant !== undefined) subscriptions[id] ??= occupant;
    });
    return {};
  }

  /** A message has been handled. Places are taken when no function is left that could clear them. */
  end(payload: SubscribePayload): void {
    if (!this.#ending.delete(payload) || this.#ending.size > 0) return;
    const toPlace = this.#toPlace;
    this.#toPlace = [];
    for (const place of toPlace) place();
  }
}
