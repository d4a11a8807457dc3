import { ArgsType, Field, ID, InputType } from '@nestjs/graphql';
import { ArrayMaxSize, IsOptional, IsUUID } from 'class-validator';
import { ForwardPageArgs } from '../graphql/paging.js';

@ArgsType()
export class NotificationsArgs extends ForwardPageArgs {
  @Field(() => Boolean, {
    nullable: true,
    description: 'true: only unread ones; false: only read ones.',
  })
  @IsOptional()
  unread?: boolean | null;
}

@InputType({ description: 'All of the viewer’s unread ones unless ids are given.' })
export class MarkNotificationsReadInput {
  @Field(() => [ID], {
    nullable: true,
    description:
      'At most 500. NOT_FOUND, and nothing is marked, where one of them is not the viewer’s. An empty list marks nothing.',
  })
  @IsOptional()
  @ArrayMaxSize(500)
  @IsUUID(undefined, { each: true })
  ids?: string[] | null;
}

@ArgsType()
export class NotificationTraceArgs {
  @Field(() => ID, {
    description: 'UUID of the message. NOT_FOUND where the viewer may not see it.',
  })
  @IsUUID()
  messageId: string;
}
