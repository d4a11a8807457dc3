import { Module } from '@nestjs/common';
import { UsersModule } from '../users/users.module.js';
import { ThreadAccess } from './thread-access.js';
import {
  ParticipantFieldsResolver,
  ThreadFieldsResolver,
  ThreadUpdatedResolver,
} from './thread-fields.resolver.js';
import { ThreadRemoved } from './thread.model.js';
import { ThreadsRepository } from './threads.repository.js';
import { ThreadsResolver } from './threads.resolver.js';
import { ThreadsService } from './threads.service.js';

/** Conversations: who is in them, their status and the viewer's switches. Knows people, and no other room. */
@Module({
  imports: [UsersModule],
  providers: [
    ThreadsRepository,
    ThreadAccess,
    ThreadsService,
    ThreadsResolver,
    ThreadFieldsResolver,
    ParticipantFieldsResolver,
    ThreadUpdatedResolver,
  ],
  exports: [ThreadAccess, ThreadsService],
})
export class ThreadsModule {}

/** Types that no field names; the schema takes them in by this list. */
export const THREAD_EVENT_TYPES = [ThreadRemoved];
