import { Args, Parent, ResolveField, Resolver, Subscription } from '@nestjs/graphql';
import { CurrentViewer } from '../auth/current-viewer.js';
import type { Viewer } from '../auth/viewer.js';
import type { Instant } from '../instants.js';
import { notFound } from '../errors.js';
import { EventLoads } from '../graphql/event-loads.js';
import { CurrentLoaders, Loaders } from '../graphql/loaders.js';
import { ThreadAfterArgs } from '../inbox/inbox.inputs.js';
import { InboxService } from '../inbox/inbox.service.js';
import type { JournalEvent, JournalKind } from '../inbox/journal-entry.js';
import type { JournalStream } from '../inbox/journal-stream.js';
import { ThreadAccess } from '../threads/thread-access.js';
import { loadThread } from '../threads/thread-fields.resolver.js';
import { ChatThread } from '../threads/thread.model.js';
import type { ThreadRow } from '../threads/thread-rows.js';
import { loadUser } from '../users/load-user.js';
import { User } from '../users/user.model.js';
import { UsersService } from '../users/users.service.js';
import { loadPlace } from './message-fields.resolver.js';
import {
  ChatMessage,
  MessageAdded,
  MessageRead,
  MessageUpdated,
  ReceiptKind,
} from './message.model.js';
import type { MessageRow } from './message-rows.js';
import { MessagesService } from './messages.service.js';

/** Here, so that all subscriptions share them. */
const ADDED: readonly JournalKind[] = ['MESSAGE_ADDED'];
const UPDATED: readonly JournalKind[] = ['MESSAGE_UPDATED'];
const READ: readonly JournalKind[] = ['MESSAGE_READ', 'MESSAGE_DELIVERED'];

@Resolver()
export class MessageSubscriptionsResolver {
  constructor(
    private readonly access: ThreadAccess,
    private readonly inbox: InboxService,
  ) {}

  @Subscription(() => MessageAdded, {
    description: 'New messages of the viewer’s threads, also the viewer’s own.',
  })
  messageAdded(
    @CurrentViewer() viewer: Viewer,
    @Args() args: ThreadAfterArgs,
  ): Promise<JournalStream> {
    return this.#stream(viewer, args, ADDED);
  }

  @Subscription(() => MessageUpdated, {
    description: 'Edited and deleted messages of the viewer’s threads.',
  })
  messageUpdated(
    @CurrentViewer() viewer: Viewer,
    @Args() args: ThreadAfterArgs,
  ): Promise<JournalStream> {
    return this.#stream(viewer, args, UPDATED);
  }

  @Subscription(() => MessageRead, {
    description: 'Receipts in the viewer’s threads, also the viewer’s own from other devices.',
  })
  messageRead(
    @CurrentViewer() viewer: Viewer,
    @Args() args: ThreadAfterArgs,
  ): Promise<JournalStream> {
    return this.#stream(viewer, args, READ);
  }

  async #stream(
    viewer: Viewer,
    { threadId, after }: ThreadAfterArgs,
    kinds: readonly JournalKind[],
  ): Promise<JournalStream> {
    return this.inbox.stream(
      viewer,
      await this.access.filterOf(viewer, kinds, threadId),
      after ?? null,
    );
  }
}

@Resolver(() => MessageAdded)
export class MessageAddedResolver {
  constructor(
    private readonly messages: MessagesService,
    private readonly access: ThreadAccess,
    loads: EventLoads,
  ) {
    const kinds = [...ADDED, ...UPDATED];
    loads.add(kinds, ['message'], (viewer, loaders, { messageId }) =>
      loadMessage(messages, viewer, loaders, messageId ?? ''),
    );
    loads.add(kinds, ['message', 'thread'], (viewer, loaders, { threadId }) =>
      loadThread(access, viewer, loaders, threadId),
    );
  }

  @ResolveField(() => ChatMessage, { description: 'The message as it is now.' })
  message(
    @Parent() { messageId }: MessageAdded,
    @CurrentViewer() viewer: Viewer,
    @CurrentLoaders() loaders: Loaders,
  ): Promise<MessageRow> {
    return loadMessage(this.messages, viewer, loaders, messageId);
  }

  @ResolveField(() => ChatThread, { description: 'Its thread as it is now.' })
  thread(
    @Parent() { threadId }: MessageAdded,
    @CurrentViewer() viewer: Viewer,
    @CurrentLoaders() loaders: Loaders,
  ): Promise<ThreadRow> {
    return loadThread(this.access, viewer, loaders, threadId);
  }
}

@Resolver(() => MessageUpdated)
export class MessageUpdatedResolver {
  constructor(
    private readonly messages: MessagesService,
    private readonly access: ThreadAccess,
  ) {}

  @ResolveField(() => ChatMessage, { description: 'The message as it is now.' })
  message(
    @Parent() { messageId }: MessageUpdated,
    @CurrentViewer() viewer: Viewer,
    @CurrentLoaders() loaders: Loaders,
  ): Promise<MessageRow> {
    return loadMessage(this.messages, viewer, loaders, messageId);
  }

  @ResolveField(() => ChatThread, {
    description: 'Its thread as it is now: a deleted message may have left the unread count.',
  })
  thread(
    @Parent() { threadId }: MessageUpdated,
    @CurrentViewer() viewer: Viewer,
    @CurrentLoaders() loaders: Loaders,
  ): Promise<ThreadRow> {
    return loadThread(this.access, viewer, loaders, threadId);
  }
}

@Resolver(() => MessageRead)
export class MessageReadResolver {
  constructor(
    private readonly messages: MessagesService,
    private readonly access: ThreadAccess,
    private readonly users: UsersService,
    loads: EventLoads,
  ) {
    loads.add(READ, ['upToMessage'], (viewer, loaders, { threadId, upToSequence }) =>
      this.#loadUpTo(viewer, loaders, threadId, upToSequence ?? 0),
    );
  }

  @ResolveField(() => ReceiptKind, { description: 'Whether it was read, or only received.' })
  receipt(@Parent() { kind }: JournalEvent): ReceiptKind {
    return kind === 'MESSAGE_READ' ? ReceiptKind.READ : ReceiptKind.DELIVERED;
  }

  @ResolveField(() => ChatThread, {
    description: 'The thread as it is now, with the viewer’s unread count.',
  })
  thread(
    @Parent() { threadId }: MessageRead,
    @CurrentViewer() viewer: Viewer,
    @CurrentLoaders() loaders: Loaders,
  ): Promise<ThreadRow> {
    return loadThread(this.access, viewer, loaders, threadId);
  }

  @ResolveField(() => User, {
    description: 'Who read or received: somebody else, or the viewer on another device.',
  })
  reader(@Parent() { actorId }: MessageRead, @CurrentLoaders() loaders: Loaders): Promise<User> {
    return loadUser(this.users, loaders, actorId);
  }

  @ResolveField(() => ChatMessage, { description: 'The message at upToSequence.' })
  upToMessage(
    @Parent() { threadId, upToSequence }: MessageRead,
    @CurrentViewer() viewer: Viewer,
    @CurrentLoaders() loaders: Loaders,
  ): Promise<MessageRow> {
    return this.#loadUpTo(viewer, loaders, threadId, upToSequence);
  }

  @ResolveField(() => Date, { description: 'When it was read, or received.' })
  readAt(@Parent() { at }: JournalEvent): Instant {
    return at;
  }

  /** @throws AppError NOT_FOUND where the thread is gone, also where it went since it was loaded */
  async #loadUpTo(
    viewer: Viewer,
    loaders: Loaders,
    threadId: string,
    sequence: number,
  ): Promise<MessageRow> {
    await loadThread(this.access, viewer, loaders, threadId);
    const message = await loadPlace(this.messages, loaders, threadId, sequence);
    if (message === null) throw notFound('Message');
    return message;
  }
}

/** @throws AppError NOT_FOUND where the viewer may not (or no longer) see it */
async function loadMessage(
  messages: MessagesService,
  viewer: Viewer,
  loaders: Loaders,
  id: string,
): Promise<MessageRow> {
  const message = await loaders
    .get('messages', (ids) => messages.findVisible(viewer, ids))
    .load(id);
  if (message === null) throw notFound('Message');
  return message;
}
