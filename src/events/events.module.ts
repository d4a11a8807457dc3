import { Global, Module } from '@nestjs/common';
import { EventBus } from './event-bus.js';
import { MemoryEventBus } from './memory-event-bus.js';

/** The event bus. It carries hints only and knows nothing of what they are about. */
@Global()
@Module({
  providers: [{ provide: EventBus, useClass: MemoryEventBus }],
  exports: [EventBus],
})
export class EventsModule {}
