import { Global, Module } from '@nestjs/common';
import { RateLimits } from './rate-limits.js';

/** Limits per person that are checked before the database is asked. */
@Global()
@Module({ providers: [RateLimits], exports: [RateLimits] })
export class RateLimitsModule {}
