import type { BusEvent } from './events.js';

export type EventListener = (event: BusEvent) => void;

/**
 * Carries events between nodes, best effort: they may be lost, doubled and reordered. Publishing never throws and never
 * waits; each node hears its own events too.
 */
export abstract class EventBus {
  abstract publish(event: BusEvent): void;

  /**
   * Hears what reaches this node: everything, but of other nodes' `inboxGrew` only those of people who are followed.
   * @param onGap called whenever something of other nodes may have been missed: once they are heard, and each time they
   * are heard again after a broken connection; never where there are no other nodes
   * @returns the function that ends the listening
   */
  abstract listen(listener: EventListener, onGap?: () => void): () => void;

  /**
   * Lets this node hear of a person's journal, as long as somebody here follows it.
   * @param onGap called whenever something may have been missed: once the following has begun, and each time it has
   * begun again after a broken connection
   * @returns the function that ends the following
   */
  abstract follow(userId: string, onGap: () => void): () => void;
}
