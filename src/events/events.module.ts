import { Global, Module } from '@nestjs/common';
import { Config } from '../config.js';
import { NodeRedis, RedisModule } from '../redis/redis.module.js';
import { EventBus } from './event-bus.js';
import { MemoryEventBus } from './memory-event-bus.js';
import { RedisEventBus } from './redis-event-bus.js';

/** The event bus. It carries hints only and knows nothing of what they are about. */
@Global()
@Module({
  imports: [RedisModule],
  providers: [
    {
      provide: EventBus,
      inject: [Config, NodeRedis],
      useFactory: ({ REDIS_PREFIX }: Config, { connection }: NodeRedis): EventBus =>
        connection === null ? new MemoryEventBus() : new RedisEventBus(connection, REDIS_PREFIX),
    },
  ],
  exports: [EventBus],
})
export class EventsModule {}
