import { Field, ID, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { NotificationType } from '../generated/prisma/enums.js';
import { paginated } from '../graphql/paging.js';
import { InboxEvent } from '../inbox/inbox-event.model.js';
import { Viewer } from '../users/user.model.js';

registerEnumType(NotificationType, {
  name: 'NotificationType',
  description: 'What a notification tells of.',
  valuesMap: {
    NEW_MESSAGE: { description: 'Messages of somebody else in a thread.' },
    MESSAGE_READ: {
      description:
        'Somebody has read messages of the viewer. Only for whoever asks for it in their preferences.',
    },
    SYSTEM_MESSAGE: { description: 'The platform said something in a thread.' },
    THREAD_STATUS_CHANGED: {
      description: 'Somebody else archived, blocked, unblocked or reopened a thread.',
    },
  },
});

@ObjectType({
  description:
    'What the viewer is told in the app: at most one unread per thread and type, which counts up. Nobody is told of what they did themselves, of what they have read already, or of a thread they have muted.',
})
export class Notification {
  @Field(() => ID, { description: 'UUID of the notification.' })
  id: string;

  @Field(() => NotificationType, { description: 'What it tells of.' })
  type: NotificationType;

  @Field(() => ID, { nullable: true, description: 'UUID of the thread it is about.' })
  threadId: string | null;

  @Field(() => Int, {
    description:
      'How many messages it stands for: unread messages of one thread share one notification. While it is unread, messages that were read or deleted meanwhile do not count.',
  })
  count: number;

  @Field({ description: 'When it was made.' })
  createdAt: Date;

  @Field({ description: 'When it was made or last counted up; the feed is in this order.' })
  updatedAt: Date;

  @Field(() => Date, {
    nullable: true,
    description:
      'Null while unread. Reading the thread, on any device, reads its notifications; so does markNotificationsRead.',
  })
  readAt: Date | null;

  /** For the fields that need a load. */
  messageId: string;
  actorId: string;
}

export const NotificationConnection = paginated(Notification, 'Notification');

@ObjectType({
  implements: () => InboxEvent,
  description:
    'A notification was made, or counts more than before: then it is the same one with a higher count.',
})
export class NotificationAdded extends InboxEvent {
  notificationId: string;
}

@ObjectType({ description: 'The viewer, with the counts after it.' })
export class MarkNotificationsReadPayload {
  @Field(() => Viewer, { description: 'The viewer as of now.' })
  viewer: Viewer;
}
