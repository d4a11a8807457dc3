import { Parent, ResolveField, Resolver } from '@nestjs/graphql';
import { CurrentViewer } from '../auth/current-viewer.js';
import type { Viewer } from '../auth/viewer.js';
import { CurrentLoaders, Loaders } from '../graphql/loaders.js';
import type { MessageRow } from '../messages/message-rows.js';
import { ChatMessage } from '../messages/message.model.js';
import { MessagesService } from '../messages/messages.service.js';
import { ThreadAccess } from '../threads/thread-access.js';
import { ChatThread } from '../threads/thread.model.js';
import type { ThreadRow } from '../threads/thread-rows.js';
import { threadLoader } from '../threads/thread-fields.resolver.js';
import { User } from '../users/user.model.js';
import { UsersService } from '../users/users.service.js';
import type { NotificationRow } from './notification-rows.js';
import { Notification } from './notification.model.js';

/** What a notification is about, loaded with the access checks of the rooms that own it. */
@Resolver(() => Notification)
export class NotificationFieldsResolver {
  constructor(
    private readonly access: ThreadAccess,
    private readonly messages: MessagesService,
    private readonly users: UsersService,
  ) {}

  @ResolveField(() => ChatThread, {
    nullable: true,
    description: 'The thread as it is now; null where the viewer is no longer in it.',
  })
  thread(
    @Parent() { threadId }: NotificationRow,
    @CurrentViewer() viewer: Viewer,
    @CurrentLoaders() loaders: Loaders,
  ): Promise<ThreadRow | null> {
    return threadLoader(this.access, viewer, loaders).load(threadId);
  }

  @ResolveField(() => ChatMessage, {
    nullable: true,
    description: 'The newest message it stands for, as it is now: edits show.',
  })
  message(
    @Parent() { messageId }: NotificationRow,
    @CurrentViewer() viewer: Viewer,
    @CurrentLoaders() loaders: Loaders,
  ): Promise<MessageRow | null> {
    return loaders.get('messages', (ids) => this.messages.findVisible(viewer, ids)).load(messageId);
  }

  @ResolveField(() => User, {
    nullable: true,
    description: 'Who sent, read or changed it; null where it was the platform.',
  })
  actor(
    @Parent() { actorId }: NotificationRow,
    @CurrentLoaders() loaders: Loaders,
  ): Promise<User | null> {
    return loaders.get('users', (ids) => this.users.findByIds(ids)).load(actorId);
  }
}
