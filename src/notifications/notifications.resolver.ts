import {
  Args,
  Mutation,
  Parent,
  Query,
  ResolveField,
  Resolver,
  Subscription,
} from '@nestjs/graphql';
import { Int } from '@nestjs/graphql';
import { CurrentViewer } from '../auth/current-viewer.js';
import type { Viewer as Caller } from '../auth/viewer.js';
import { notFound } from '../errors.js';
import { byInstant, ListCursors } from '../graphql/list-cursors.js';
import { EventLoads } from '../graphql/event-loads.js';
import { CurrentLoaders, Loaders } from '../graphql/loaders.js';
import type { Connection } from '../graphql/paging.js';
import { connectionOf, windowOf } from '../graphql/paging.js';
import { AfterArgs } from '../inbox/inbox.inputs.js';
import { InboxService } from '../inbox/inbox.service.js';
import type { JournalStream } from '../inbox/journal-stream.js';
import { Viewer } from '../users/user.model.js';
import type { NotificationRow } from './notification-rows.js';
import {
  MarkNotificationsReadPayload,
  Notification,
  NotificationAdded,
  NotificationConnection,
} from './notification.model.js';
import { MarkNotificationsReadInput, NotificationsArgs } from './notifications.inputs.js';
import { NotificationsService } from './notifications.service.js';

const BY_NEWS = byInstant<NotificationRow>('notification', ({ updatedAt, id }) => ({
  at: updatedAt,
  id,
}));

@Resolver()
export class NotificationsResolver {
  constructor(
    private readonly feed: NotificationsService,
    private readonly inbox: InboxService,
  ) {}

  @Query(() => NotificationConnection, {
    description: 'What the viewer was told, newest first; one that counts up comes to the front.',
  })
  async notifications(
    @CurrentViewer() viewer: Caller,
    @Args() args: NotificationsArgs,
  ): Promise<Connection<NotificationRow>> {
    const cursors = new ListCursors(BY_NEWS, [viewer.userId, args.unread]);
    const window = windowOf(args, cursors);
    const rows = await this.feed.findPage(
      viewer,
      args.unread ?? null,
      window.after,
      window.limit + 1,
    );
    return connectionOf(window, rows, cursors);
  }

  @Mutation(() => MarkNotificationsReadPayload, {
    description:
      'Marks notifications as read; the messages they stand for stay unread. Marking what is read changes nothing.',
  })
  async markNotificationsRead(
    @CurrentViewer() viewer: Caller,
    @Args('input', { description: 'Which ones.' }) { ids }: MarkNotificationsReadInput,
  ): Promise<MarkNotificationsReadPayload> {
    await this.feed.markRead(viewer, ids ?? null);
    const state = await this.inbox.stateOf(viewer);
    return { viewer: { ...state, cursor: this.inbox.cursorOf(viewer, state) } };
  }

  @Subscription(() => NotificationAdded, {
    description: 'The viewer’s notifications, as they are made and count up.',
  })
  notificationAdded(
    @CurrentViewer() viewer: Caller,
    @Args() { after }: AfterArgs,
  ): Promise<JournalStream> {
    return this.inbox.stream(viewer, { kinds: ['NOTIFICATION_ADDED'] }, after ?? null);
  }
}

@Resolver(() => NotificationAdded)
export class NotificationAddedResolver {
  constructor(
    private readonly feed: NotificationsService,
    loads: EventLoads,
  ) {
    loads.add(['NOTIFICATION_ADDED'], ['notification'], (viewer, loaders, { notificationId }) =>
      this.#load(viewer, loaders, notificationId ?? ''),
    );
  }

  @ResolveField(() => Notification, {
    description:
      'The notification as it is now; its count is 0 where all it stood for was deleted meanwhile.',
  })
  notification(
    @Parent() { notificationId }: NotificationAdded,
    @CurrentViewer() viewer: Caller,
    @CurrentLoaders() loaders: Loaders,
  ): Promise<NotificationRow> {
    return this.#load(viewer, loaders, notificationId);
  }

  async #load(viewer: Caller, loaders: Loaders, id: string): Promise<NotificationRow> {
    const row = await loaders
      .get('notifications', (ids) => this.feed.findByIds(viewer, ids))
      .load(id);
    if (row === null) throw notFound('Notification');
    return row;
  }
}

/** What notifications add to the viewer. */
@Resolver(() => Viewer)
export class ViewerNotificationsResolver {
  constructor(private readonly feed: NotificationsService) {}

  @ResolveField(() => Int, { description: 'Unread notifications: exact, never capped.' })
  unreadNotificationCount(@CurrentViewer() viewer: Caller): Promise<number> {
    return this.feed.countUnread(viewer);
  }
}
