import { Field, InputType, Int } from '@nestjs/graphql';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsBoolean,
  IsEnum,
  IsInt,
  IsOptional,
  Matches,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { NotificationChannel, NotificationType } from '../generated/prisma/enums.js';

const TIME = /^([01]\d|2[0-3]):[0-5]\d$/;

@InputType({ description: 'What to change of one channel; what is left out or null stays.' })
export class NotificationChannelPreferencesInput {
  @Field(() => NotificationChannel, { description: 'The channel; each at most once.' })
  @IsEnum(NotificationChannel)
  channel: NotificationChannel;

  @Field(() => Boolean, { nullable: true, description: 'Whether to use it at all.' })
  @IsOptional()
  @IsBoolean()
  enabled?: boolean | null;

  @Field(() => [NotificationType], {
    nullable: true,
    description:
      'All that it should tell of. Receipts (MESSAGE_READ) are never mailed: BAD_USER_INPUT.',
  })
  @IsOptional()
  @ArrayMaxSize(20)
  @IsEnum(NotificationType, { each: true })
  types?: NotificationType[] | null;
}

@InputType({ description: 'Hours of every day, by the clock on the viewer’s wall.' })
export class QuietHoursInput {
  @Field({ description: 'When they begin: HH:MM, 00:00 to 23:59.' })
  @Matches(TIME, { message: 'from must be a time of day such as 22:00' })
  from: string;

  @Field({ description: 'When they end: HH:MM, another time than `from`.' })
  @Matches(TIME, { message: 'until must be a time of day such as 08:00' })
  until: string;
}

@InputType({ description: 'What to change; what is left out stays.' })
export class UpdateNotificationPreferencesInput {
  @Field(() => [NotificationChannelPreferencesInput], {
    nullable: true,
    description: 'The channels to change.',
  })
  @IsOptional()
  @ArrayMaxSize(20)
  @ValidateNested({ each: true })
  @Type(() => NotificationChannelPreferencesInput)
  channels?: NotificationChannelPreferencesInput[] | null;

  @Field(() => QuietHoursInput, { nullable: true, description: 'Null: no hour is quiet.' })
  @IsOptional()
  @ValidateNested()
  @Type(() => QuietHoursInput)
  quietHours?: QuietHoursInput | null;

  @Field(() => Int, {
    nullable: true,
    description: '0 to 1,440 (a day). Null: what the server is configured to.',
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(1_440)
  mailDelayMinutes?: number | null;
}
