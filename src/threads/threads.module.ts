import { Module } from '@nestjs/common';
import { UsersModule } from '../users/users.module.js';
import { ThreadAccess } from './thread-access.js';
import {
  ParticipantFieldsResolver,
  ThreadFieldsResolver,
  ThreadUpdatedResolver,
} from './thread-fields.resolver.js';
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
