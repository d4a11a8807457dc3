import type { ExecutionResult } from 'graphql';
import type { SubscribePayload } from 'graphql-ws';
import type { LiveOperation } from './live-socket.js';
import { Reservation } from './reservation.js';
import type { SocketContext } from './socket-connection.js';

/**
 * Takes operations that write their own messages over from graphql-ws. It would wait for the end of each in a function of its
 * own, and with the function would wait the client's message, its text and the promises of an iterator: more than the operation
 * itself. All that the operation needs of graphql-ws is a place among the socket's `subscriptions`, by which it refuses an id that
 * is in use, and ends what the client completes or leaves. So the place is cleared, as if the client had completed the operation, which
 * ends the function without a word, and is taken again when the function has ended. Nothing is heard of a client in between:
 * there are only promises that are fulfilled already.
 */
export class LiveHandover {
  /** Payloads of the messages whose functions are about to end. */
  readonly #ending = new Set<SubscribePayload>();
  #toPlace: (() => void)[] = [];

  reserve({ subscriptions, extra }: SocketContext, id: string): Reservation {
    return (subscriptions[id] = new Reservation(extra));
  }

  /** @returns what graphql-ws is to be given for the operation */
  begin(
    { subscriptions }: SocketContext,
    payload: SubscribePayload,
    operation: LiveOperation,
  ): ExecutionResult {
    const { id } = operation;
    Reflect.deleteProperty(subscriptions, id);
    this.#ending.add(payload);
    this.#toPlace.push(() => {
      subscriptions[id] = operation;
      operation.begin();
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
