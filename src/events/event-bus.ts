import type { BusEvent } from './events.js';

export type EventListener = (event: BusEvent) => void;

/**
 * Carries events between nodes, best effort: they may be lost, doubled and reordered. Publishing never throws and never
 * waits; each node hears its own events too.
 */
export abstract class EventBus {
  abstract publish(event: BusEvent): void;

  /** @returns the function that ends the listening */
  abstract listen(listener: EventListener): () => void;
}
