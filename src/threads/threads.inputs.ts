import { ArgsType, Field, ID, InputType, ObjectType } from '@nestjs/graphql';
import { Type } from 'class-transformer';
import { IsDate, IsEnum, IsIn, IsOptional, IsUUID, ValidateNested } from 'class-validator';
import { ParticipantRole, ThreadStatus } from '../generated/prisma/enums.js';
import { HasAtMost, IsForeignId, IsStorableText } from '../graphql/input-validation.js';
import { ForwardPageArgs } from '../graphql/paging.js';
import { ChatThread } from './thread.model.js';

@ArgsType()
export class ThreadArgs {
  @Field(() => ID, {
    description: 'UUID of the thread. NOT_FOUND where the viewer may not see it.',
  })
  @IsUUID()
  id: string;
}

@InputType({
  description: 'Which threads; all conditions together. It never widens what the viewer may see.',
})
export class ThreadFilter {
  @Field(() => ID, { nullable: true, description: 'Only threads of this tourist.' })
  @IsOptional()
  @IsForeignId()
  touristId?: string | null;

  @Field(() => ID, { nullable: true, description: 'Only threads of this guide.' })
  @IsOptional()
  @IsForeignId()
  guideId?: string | null;

  @Field(() => ID, { nullable: true, description: 'Only threads about this trip.' })
  @IsOptional()
  @IsForeignId()
  tripId?: string | null;

  @Field(() => ThreadStatus, { nullable: true, description: 'Only threads of this status.' })
  @IsOptional()
  @IsEnum(ThreadStatus)
  status?: ThreadStatus | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'true: only threads with unread messages; false: only those without.',
  })
  @IsOptional()
  unread?: boolean | null;
}

@ArgsType()
export class ThreadsArgs extends ForwardPageArgs {
  @Field(() => ThreadFilter, {
    nullable: true,
    description: 'Which threads; all of the viewer’s without it.',
  })
  @IsOptional()
  @ValidateNested()
  @Type(() => ThreadFilter)
  filter?: ThreadFilter | null;
}

@InputType({ description: 'Whose conversation, about what.' })
export class OpenThreadInput {
  @Field(() => ID, {
    nullable: true,
    description: 'The trip, 1 to 64 characters; null for questions before a booking.',
  })
  @IsOptional()
  @IsForeignId()
  tripId?: string | null;

  @Field(() => ID, { description: 'User id of the tourist, 1 to 64 characters.' })
  @IsForeignId()
  touristId: string;

  @Field(() => ID, {
    description: 'User id of the guide, 1 to 64 characters; another person than the tourist.',
  })
  @IsForeignId()
  guideId: string;
}

@ObjectType({ description: 'The thread of these three.' })
export class OpenThreadPayload {
  @Field(() => ChatThread, { description: 'The thread, new or as it was.' })
  thread: ChatThread;

  @Field({ description: 'False where it was there already.' })
  created: boolean;
}

/** What every input that names a thread begins with. */
@InputType({ isAbstract: true })
class OfThread {
  @Field(() => ID, {
    description: 'UUID of the thread. NOT_FOUND where the viewer may not see it.',
  })
  @IsUUID()
  threadId: string;
}

/** What every answer about a thread holds. */
@ObjectType({ isAbstract: true })
class WithThread {
  @Field(() => ChatThread, { description: 'The thread as it is now.' })
  thread: ChatThread;
}

@InputType({ description: 'A thread’s new status.' })
export class UpdateThreadStatusInput extends OfThread {
  @Field(() => ThreadStatus, {
    description: 'The status to set. Setting what is set already changes nothing.',
  })
  @IsEnum(ThreadStatus)
  status: ThreadStatus;

  @Field(() => String, {
    nullable: true,
    description:
      'Told to everybody in the thread, as a parameter of the system message; at most 500 characters.',
  })
  @IsOptional()
  @IsStorableText()
  @HasAtMost(500)
  reason?: string | null;
}

@ObjectType({ description: 'The thread with its status.' })
export class UpdateThreadStatusPayload extends WithThread {}

@InputType({ description: 'The thread to remove for good.' })
export class DeleteThreadInput extends OfThread {}

@ObjectType({ description: 'What was removed.' })
export class DeleteThreadPayload {
  @Field(() => ID, { description: 'UUID of the thread that is no more.' })
  deletedThreadId: string;
}

@InputType({ description: 'The viewer’s own switch for a thread.' })
export class MuteThreadInput extends OfThread {
  @Field(() => Date, { nullable: true, description: 'No notifications until then. Null unmutes.' })
  @IsOptional()
  @IsDate()
  until?: Date | null;
}

@ObjectType({ description: 'The thread with the viewer’s switch.' })
export class MuteThreadPayload extends WithThread {}

@InputType({ description: 'Who joins a thread.' })
export class AddParticipantInput extends OfThread {
  @Field(() => ID, { description: 'User id of who joins, 1 to 64 characters.' })
  @IsForeignId()
  userId: string;

  @Field(() => ParticipantRole, {
    description: 'MEMBER or SUPPORT; another role is BAD_USER_INPUT.',
  })
  @IsIn(Object.values(ParticipantRole))
  role: ParticipantRole;
}

@ObjectType({ description: 'The thread with its participants.' })
export class AddParticipantPayload extends WithThread {}

@InputType({ description: 'Who leaves a thread.' })
export class RemoveParticipantInput extends OfThread {
  @Field(() => ID, {
    description: 'User id of who leaves; BAD_USER_INPUT for the tourist and the guide, who stay.',
  })
  @IsForeignId()
  userId: string;
}

@ObjectType({ description: 'The thread with its participants.' })
export class RemoveParticipantPayload extends WithThread {}
