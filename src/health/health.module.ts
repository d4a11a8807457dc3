import { Module } from '@nestjs/common';
import { HealthController } from './health.controller.js';

/** What an operator's tools ask: live, ready, metrics. */
@Module({ controllers: [HealthController] })
export class HealthModule {}
