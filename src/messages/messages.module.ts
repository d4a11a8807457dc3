import { Module } from '@nestjs/common';
import { ThreadsModule } from '../threads/threads.module.js';
import { UsersModule } from '../users/users.module.js';
import {
  MessageAddedResolver,
  MessageReadResolver,
  MessageSubscriptionsResolver,
  MessageUpdatedResolver,
} from './message-events.resolver.js';
import {
  MessageFieldsResolver,
  MessageReaderResolver,
  MessageVersionResolver,
  ThreadMessagesResolver,
} from './message-fields.resolver.js';
import { MessagesRepository } from './messages.repository.js';
import { ReadersRepository } from './readers.repository.js';
import { MessagesResolver } from './messages.resolver.js';
import { ThreadListResolver } from './thread-list.resolver.js';
import { MessagesService } from './messages.service.js';
import { SendQueue } from './send-queue.js';
import { SyncResolver } from './sync.resolver.js';

/** What is said in threads: sending, history, edits, receipts. Knows threads and people, and not notifications. */
@Module({
  imports: [ThreadsModule, UsersModule],
  providers: [
    MessagesRepository,
    ReadersRepository,
    SendQueue,
    MessagesService,
    MessagesResolver,
    MessageSubscriptionsResolver,
    ThreadMessagesResolver,
    ThreadListResolver,
    MessageFieldsResolver,
    MessageReaderResolver,
    MessageVersionResolver,
    MessageAddedResolver,
    MessageUpdatedResolver,
    MessageReadResolver,
    SyncResolver,
  ],
  exports: [MessagesService],
})
export class MessagesModule {}
