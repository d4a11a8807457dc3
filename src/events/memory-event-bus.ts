import type { EventListener } from './event-bus.js';
import { EventBus } from './event-bus.js';
import type { BusEvent } from './events.js';

/** The bus of a single node: hands each event to this process's listeners in the next turn of the event loop. */
export class MemoryEventBus extends EventBus {
  readonly #listeners = new Set<EventListener>();

  override publish(event: BusEvent): void {
    setImmediate(() => {
      for (const listener of this.#listeners) listener(event);
    });
  }

  override listen(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
