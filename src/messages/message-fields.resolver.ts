import { Args, Parent, ResolveField, Resolver } from '@nestjs/graphql';
import { CurrentViewer } from '../auth/current-viewer.js';
import type { Viewer } from '../auth/viewer.js';
import type { Instant } from '../instants.js';
import { CurrentLoaders, Loaders } from '../graphql/loaders.js';
import type { Connection } from '../graphql/paging.js';
import { connectionOf, PageArgs, windowOf } from '../graphql/paging.js';
import { ThreadAccess } from '../threads/thread-access.js';
import { loadThread } from '../threads/thread-fields.resolver.js';
import { ChatThread } from '../threads/thread.model.js';
import type { ThreadRow } from '../threads/thread-rows.js';
import { loadUser } from '../users/load-user.js';
import { User } from '../users/user.model.js';
import { UsersService } from '../users/users.service.js';
import { cursorsOfThread } from './message-cursors.js';
import {
  ChatMessage,
  ChatMessageConnection,
  GeoPoint,
  MessageReader,
  MessageStatus,
  MessageVersion,
  SystemEvent,
} from './message.model.js';
import type { MessageRow, MessageVersionRow, ReaderRow, Said } from './message-rows.js';
import { MessagesService } from './messages.service.js';
import { readAtOf, readersOf, statusOf } from './receipts.js';

/** What messages add to a thread. */
@Resolver(() => ChatThread)
export class ThreadMessagesResolver {
  constructor(private readonly messagesService: MessagesService) {}

  @ResolveField(() => ChatMessageConnection, {
    description:
      'Oldest first inside a page, whichever way is paged: from the first message on with first, from the newest back with last. At most 100 a page, 50 unless told.',
  })
  async messages(
    @Parent() thread: ThreadRow,
    @CurrentViewer() viewer: Viewer,
    @Args() args: PageArgs,
  ): Promise<Connection<MessageRow>> {
    const cursors = cursorsOfThread(thread.id, {});
    const window = windowOf(args, cursors);
    const rows = await this.messagesService.findPageOfThread(viewer, thread.id, {}, window);
    return connectionOf(window, rows, cursors);
  }

  @ResolveField(() => ChatMessage, {
    nullable: true,
    description: 'The newest message; null while the thread is empty.',
  })
  lastMessage(
    @Parent() { id, lastSequence }: ThreadRow,
    @CurrentLoaders() loaders: Loaders,
  ): Promise<MessageRow | null> {
    return lastSequence === 0
      ? Promise.resolve(null)
      : loadPlace(this.messagesService, loaders, id, lastSequence);
  }
}

@Resolver(() => ChatMessage)
export class MessageFieldsResolver {
  constructor(
    private readonly messages: MessagesService,
    private readonly access: ThreadAccess,
  ) {}

  @ResolveField(() => ChatThread, { description: 'The thread it is in.' })
  thread(
    @Parent() { threadId }: MessageRow,
    @CurrentViewer() viewer: Viewer,
    @CurrentLoaders() loaders: Loaders,
  ): Promise<ThreadRow> {
    return loadThread(this.access, viewer, loaders, threadId);
  }

  @ResolveField(() => GeoPoint, { nullable: true, description: 'The place, of a LOCATION.' })
  location(@Parent() message: MessageRow): GeoPoint | null {
    return placeOf(message);
  }

  @ResolveField(() => SystemEvent, {
    nullable: true,
    description:
      'The code and the parameters of a system message, so that a client can render it in the viewer’s language.',
  })
  systemEvent(@Parent() message: MessageRow): SystemEvent | null {
    return eventOf(message);
  }

  @ResolveField(() => ChatMessage, {
    nullable: true,
    description: 'The message it answers; a tombstone where that was deleted.',
  })
  async replyTo(
    @Parent() { replyToId }: MessageRow,
    @CurrentViewer() viewer: Viewer,
    @CurrentLoaders() loaders: Loaders,
  ): Promise<MessageRow | null> {
    if (replyToId === null) return null;
    return loaders.get('messages', (ids) => this.messages.findVisible(viewer, ids)).load(replyToId);
  }

  @ResolveField(() => MessageStatus, { description: 'For the sender’s ticks.' })
  async status(
    @Parent() message: MessageRow,
    @CurrentLoaders() loaders: Loaders,
  ): Promise<MessageStatus> {
    return statusOf(await this.#others(message, loaders));
  }

  @ResolveField(() => Date, {
    nullable: true,
    description:
      'When it was read: for a thread of two, by the other one; with more people, when the last of the others had read it. Null while unread.',
  })
  async readAt(
    @Parent() message: MessageRow,
    @CurrentLoaders() loaders: Loaders,
  ): Promise<Instant | null> {
    return readAtOf(await this.#others(message, loaders));
  }

  @ResolveField(() => [MessageReader], {
    description: 'Who has read it and when (never the sender), in the order of reading.',
  })
  async readBy(
    @Parent() message: MessageRow,
    @CurrentLoaders() loaders: Loaders,
  ): Promise<readonly ReaderRow[]> {
    return readersOf(await this.#others(message, loaders));
  }

  @ResolveField(() => [MessageVersion], {
    description:
      'What it said before it was edited or deleted, oldest first, for moderation and disputes. For services and admins; FORBIDDEN for everybody else.',
  })
  async versions(
    @Parent() { id }: MessageRow,
    @CurrentViewer() viewer: Viewer,
    @CurrentLoaders() loaders: Loaders,
  ): Promise<MessageVersionRow[]> {
    return (
      (await loaders.get('versions', (ids) => this.messages.versionsOf(viewer, ids)).load(id)) ?? []
    );
  }

  async #others(message: MessageRow, loaders: Loaders): Promise<readonly ReaderRow[]> {
    const readers = loaders.get('readers', (messages: readonly MessageRow[]) =>
      this.messages.readersOf(messages),
    );
    return (await readers.load(message)) ?? [];
  }
}

@Resolver(() => MessageReader)
export class MessageReaderResolver {
  constructor(private readonly users: UsersService) {}

  @ResolveField(() => User, { description: 'Who has read it.' })
  user(@Parent() { userId }: ReaderRow, @CurrentLoaders() loaders: Loaders): Promise<User> {
    return loadUser(this.users, loaders, userId);
  }
}

@Resolver(() => MessageVersion)
export class MessageVersionResolver {
  constructor(private readonly users: UsersService) {}

  @ResolveField(() => User, { description: 'Who edited or deleted the message then.' })
  replacedBy(
    @Parent() { replacedById }: MessageVersionRow,
    @CurrentLoaders() loaders: Loaders,
  ): Promise<User> {
    return loadUser(this.users, loaders, replacedById);
  }

  @ResolveField(() => GeoPoint, {
    nullable: true,
    description: 'The place that it named then, of a LOCATION.',
  })
  location(@Parent() version: MessageVersionRow): GeoPoint | null {
    return placeOf(version);
  }

  @ResolveField(() => SystemEvent, {
    nullable: true,
    description: 'What a system message told of then.',
  })
  systemEvent(@Parent() version: MessageVersionRow): SystemEvent | null {
    return eventOf(version);
  }
}

const placeOf = ({ latitude, longitude, locationLabel }: Said): GeoPoint | null =>
  latitude === null || longitude === null ? null : { latitude, longitude, label: locationLabel };

const eventOf = ({ systemCode, systemParams }: Said): SystemEvent | null =>
  systemCode === null ? null : { code: systemCode, params: systemParams ?? [] };

export const loadPlace = (
  messages: MessagesService,
  loaders: Loaders,
  threadId: string,
  sequence: number,
): Promise<MessageRow | null> =>
  loaders.get('places', (places) => messages.findByPlaces(places)).load(`${threadId}:${sequence}`);
