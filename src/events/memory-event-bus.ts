import { Logger } from '@nestjs/common';
import type { EventListener } from './event-bus.js';
import { EventBus } from './event-bus.js';
import type { BusEvent } from './events.js';

const nothing = (): void => undefined;

/** The bus of a single node: hands each event to this process's listeners in the next turn of the event loop. */
export class MemoryEventBus extends EventBus {
  readonly #listeners = new Set<EventListener>();
  readonly #logger = new Logger('EventBus');

  override publish(event: BusEvent): void {
    setImmediate(() => {
      for (const listener of this.#listeners) this.#tell(listener, event);
    });
  }

  override listen(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Nothing is missed inside a process. */
  override follow(): () => void {
    return nothing;
  }

  /** A listener that throws is its own fault and nobody else's. */
  #tell(listener: EventListener, event: BusEvent): void {
    try {
      listener(event);
    } catch (error) {
      this.#logger.error(error instanceof Error ? error.stack : String(error));
    }
  }
}
