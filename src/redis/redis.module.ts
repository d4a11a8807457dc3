import type { OnApplicationShutdown } from '@nestjs/common';
import { Global, Injectable, Module } from '@nestjs/common';
import { Config } from '../config.js';
import { RedisConnection } from './redis-connection.js';

/** The node's connection to Redis; null where REDIS_URL is not set. */
@Injectable()
export class NodeRedis implements OnApplicationShutdown {
  readonly connection: RedisConnection | null;

  constructor({ REDIS_URL }: Config) {
    this.connection = REDIS_URL === undefined ? null : new RedisConnection(REDIS_URL);
  }

  onApplicationShutdown(): void {
    this.connection?.close();
  }
}

/** Redis, where there is one. Nothing that is kept there is a fact: it may be away, slow or empty at any time. */
@Global()
@Module({ providers: [NodeRedis], exports: [NodeRedis] })
export class RedisModule {}
