import { Field, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { NotificationChannel, NotificationType } from '../generated/prisma/enums.js';
import { Viewer } from '../users/user.model.js';

registerEnumType(NotificationChannel, {
  name: 'NotificationChannel',
  description: 'A way to tell somebody. More will follow: do not rely on the list being complete.',
  valuesMap: {
    IN_APP: { description: 'The feed: notifications and notificationAdded.' },
    MAIL: {
      description: 'A mail about what is still unread after a while, where this server sends mail.',
    },
  },
});

@ObjectType({ description: 'What the viewer wants to be told of by one channel.' })
export class NotificationChannelPreferences {
  @Field(() => NotificationChannel, { description: 'The channel.' })
  channel: NotificationChannel;

  @Field({ description: 'Whether it is used at all.' })
  enabled: boolean;

  @Field(() => [NotificationType], { description: 'What it tells of while it is enabled.' })
  types: NotificationType[];
}

@ObjectType({
  description: 'Hours of every day, by the clock on the viewer’s wall, in which no mail is sent.',
})
export class QuietHours {
  @Field({ description: 'When they begin, for example 22:00.' })
  from: string;

  @Field({ description: 'When they end, for example 08:00; before `from` it is the next day’s.' })
  until: string;
}

@ObjectType({
  description:
    'How the viewer wants to be told. A single thread is muted with muteThread, which silences all channels.',
})
export class NotificationPreferences {
  @Field(() => [NotificationChannelPreferences], { description: 'Every channel there is.' })
  channels: NotificationChannelPreferences[];

  @Field(() => QuietHours, { nullable: true, description: 'Null: no hour is quiet.' })
  quietHours: QuietHours | null;

  @Field({
    description:
      'IANA name of the time zone that quietHours are meant in: the one that the marketplace has told, else UTC.',
  })
  timeZone: string;

  @Field(() => Int, { description: 'How long something stays unread before a mail tells of it.' })
  mailDelayMinutes: number;
}

@ObjectType({ description: 'The viewer with the preferences as they are now.' })
export class UpdateNotificationPreferencesPayload {
  @Field(() => Viewer, { description: 'The viewer as of now.' })
  viewer: Viewer;
}
