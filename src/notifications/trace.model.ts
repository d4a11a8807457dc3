import { Field, ID, ObjectType, registerEnumType } from '@nestjs/graphql';
import {
  NotificationChannel,
  NotificationOutcome,
  NotificationReason,
  NotificationType,
} from '../generated/prisma/enums.js';

registerEnumType(NotificationOutcome, {
  name: 'NotificationOutcome',
  description: 'What became of telling somebody of a message by a channel.',
  valuesMap: {
    WAITING: { description: 'It will be told when dueAt has come, if nothing speaks against it.' },
    SENT: { description: 'It was told.' },
    SUPPRESSED: { description: 'It was not told, for the reason given.' },
    WITHDRAWN: { description: 'It was told in the app, and taken back since.' },
    FAILED: { description: 'It could not be told, for the reason given.' },
  },
});

registerEnumType(NotificationReason, {
  name: 'NotificationReason',
  description: 'Why something was not told, or what is special about how it was.',
  valuesMap: {
    READ: { description: 'The person had read it already, or had read its notification.' },
    DELETED: { description: 'The message was deleted.' },
    MUTED: { description: 'The person had muted the thread.' },
    PREFERENCE: { description: 'The person does not want this type by this channel.' },
    BLOCKED: { description: 'The thread was blocked.' },
    LEFT: { description: 'The person was no longer in the thread.' },
    NO_ADDRESS: { description: 'No mail address is known of the person.' },
    BOUNCED: { description: 'The mail server refused it for good.' },
    GAVE_UP: { description: 'The mail server could not take it in any of many attempts.' },
    UNCONFIRMED: {
      description:
        'The mail was handed over completely, and then the connection or this server broke before the answer came. It is not sent again.',
    },
  },
});

@ObjectType({ description: 'What became of telling one person of a message by one channel.' })
export class NotificationTrace {
  @Field(() => ID, { description: 'User id of the recipient.' })
  userId: string;

  @Field(() => NotificationChannel, { description: 'The channel.' })
  channel: NotificationChannel;

  @Field(() => NotificationType, { description: 'As what it was, or would have been, told.' })
  type: NotificationType;

  @Field(() => NotificationOutcome, { description: 'What became of it.' })
  outcome: NotificationOutcome;

  @Field(() => NotificationReason, {
    nullable: true,
    description: 'Because of what; null where it was simply told, or waits.',
  })
  reason: NotificationReason | null;

  @Field({ description: 'When that was decided.' })
  at: Date;

  @Field(() => Date, {
    nullable: true,
    description: 'While it waits: when it is decided; quiet hours and retries put it off.',
  })
  dueAt: Date | null;

  @Field(() => ID, {
    nullable: true,
    description: 'UUID of the recipient’s notification that told of it, IN_APP.',
  })
  notificationId: string | null;
}
