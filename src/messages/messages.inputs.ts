import { ArgsType, Field, Float, ID, InputType, Int } from '@nestjs/graphql';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsEnum,
  IsInt,
  IsNumber,
  IsOptional,
  IsString,
  IsUUID,
  Min,
  MinLength,
  ValidateNested,
} from 'class-validator';
import { MessageType } from '../generated/prisma/enums.js';
import { HasAtMost, IsForeignId, IsStorableText } from '../graphql/input-validation.js';
import { PageArgs } from '../graphql/paging.js';

const THREAD_ID = 'UUID of the thread. NOT_FOUND where the viewer may not see it.';
const MESSAGE_ID = 'UUID of the message. NOT_FOUND where the viewer may not see it.';

@ArgsType()
export class MessageArgs {
  @Field(() => ID, { description: MESSAGE_ID })
  @IsUUID()
  id: string;
}

@InputType({
  description: 'Which messages; all conditions together. It never widens what the viewer may see.',
})
export class MessageFilter {
  @Field(() => ID, { nullable: true, description: `Only messages of this thread. ${THREAD_ID}` })
  @IsOptional()
  @IsUUID()
  threadId?: string | null;

  @Field(() => ID, { nullable: true, description: 'Only messages that this person sent.' })
  @IsOptional()
  @IsForeignId()
  senderUserId?: string | null;

  @Field(() => MessageType, { nullable: true, description: 'Only messages of this type.' })
  @IsOptional()
  @IsEnum(MessageType)
  messageType?: MessageType | null;

  @Field(() => Boolean, {
    nullable: true,
    description:
      'true: only messages of others that the viewer has not read; false: only the rest.',
  })
  @IsOptional()
  unread?: boolean | null;
}

@ArgsType()
export class MessagesArgs extends PageArgs {
  @Field(() => MessageFilter, { description: 'Which messages.' })
  @ValidateNested()
  @Type(() => MessageFilter)
  filter: MessageFilter;
}

@InputType({ description: 'A place on the map.' })
export class GeoPointInput {
  @Field(() => Float, { description: 'Degrees north, -90 to 90.' })
  @IsNumber()
  latitude: number;

  @Field(() => Float, { description: 'Degrees east, -180 to 180.' })
  @IsNumber()
  longitude: number;

  @Field(() => String, { nullable: true, description: 'What to call it, at most 200 characters.' })
  @IsOptional()
  @IsString()
  label?: string | null;
}

@InputType({ isAbstract: true })
class WithClientMessageId {
  @Field(() => ID, {
    description:
      'Made by the client, unique per sender, 1 to 64 characters. Makes a retry safe for ever.',
  })
  @IsStorableText()
  @MinLength(1)
  @HasAtMost(64)
  clientMessageId: string;

  @Field(() => ID, { description: THREAD_ID })
  @IsUUID()
  threadId: string;
}

@InputType({ description: 'A person’s message.' })
export class SendMessageInput extends WithClientMessageId {
  @Field(() => String, {
    nullable: true,
    description:
      'At most 4,000 characters (code points), MESSAGE_TOO_LONG beyond; at least one that is visible, unless a location comes with it. For IMAGE and FILE: an https URL or the marketplace’s own reference, at most 2,048 characters without white space; the server never fetches it.',
  })
  @IsOptional()
  @IsString()
  body?: string | null;

  @Field(() => MessageType, {
    nullable: true,
    description: 'TEXT unless told. SYSTEM is refused: that is sendSystemMessage.',
  })
  @IsOptional()
  @IsEnum(MessageType)
  messageType?: MessageType | null;

  @Field(() => GeoPointInput, {
    nullable: true,
    description: 'With messageType LOCATION, and only with it.',
  })
  @IsOptional()
  @ValidateNested()
  @Type(() => GeoPointInput)
  location?: GeoPointInput | null;

  @Field(() => ID, {
    nullable: true,
    description: 'A message of the same thread that this one answers; else NOT_FOUND.',
  })
  @IsOptional()
  @IsUUID()
  replyToMessageId?: string | null;
}

@InputType({ description: 'One parameter of a system message.' })
export class KeyValueInput {
  @Field({ description: 'Its name, at most 64 characters.' })
  @IsStorableText()
  @MinLength(1)
  @HasAtMost(64)
  key: string;

  @Field({ description: 'Its value, at most 1,000 characters.' })
  @IsStorableText()
  @HasAtMost(1_000)
  value: string;
}

@InputType({ description: 'What the platform says in a thread.' })
export class SendSystemMessageInput extends WithClientMessageId {
  @Field({
    description: 'The text for clients that do not know the code, at most 4,000 characters.',
  })
  @IsString()
  body: string;

  @Field(() => String, {
    nullable: true,
    description:
      'What happened, for clients to say it in the viewer’s language; at most 64 characters.',
  })
  @IsOptional()
  @IsStorableText()
  @MinLength(1)
  @HasAtMost(64)
  code?: string | null;

  @Field(() => [KeyValueInput], { nullable: true, description: 'What to fill in, at most 50.' })
  @IsOptional()
  @ArrayMaxSize(50)
  @ValidateNested({ each: true })
  @Type(() => KeyValueInput)
  params?: KeyValueInput[] | null;
}

@InputType({ isAbstract: true })
class OfMessage {
  @Field(() => ID, { description: MESSAGE_ID })
  @IsUUID()
  messageId: string;
}

@InputType({ description: 'A new text for an own message.' })
export class EditMessageInput extends OfMessage {
  @Field({ description: 'The new text, under the rules of sendMessage.' })
  @IsString()
  body: string;
}

@InputType({ description: 'The message to delete.' })
export class DeleteMessageInput extends OfMessage {}

@InputType({ description: 'The message up to which the viewer has read.' })
export class MarkMessageReadInput extends OfMessage {}

@InputType({ description: 'How far the viewer has read a thread.' })
export class MarkThreadReadInput {
  @Field(() => ID, { description: THREAD_ID })
  @IsUUID()
  threadId: string;

  @Field(() => Int, {
    nullable: true,
    description: 'Up to and including this sequence; all of the thread unless told.',
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  upToSequence?: number | null;
}

@InputType({ description: 'How far the viewer’s client has received a thread.' })
export class DeliveredPositionInput {
  @Field(() => ID, { description: THREAD_ID })
  @IsUUID()
  threadId: string;

  @Field(() => Int, { description: 'Up to and including this sequence.' })
  @IsInt()
  @Min(0)
  upToSequence: number;
}

@InputType({ description: 'What the viewer’s client has received.' })
export class MarkDeliveredInput {
  @Field(() => [DeliveredPositionInput], {
    description: '1 to 100 threads; all or none are marked.',
  })
  @ArrayMaxSize(100)
  @ValidateNested({ each: true })
  @Type(() => DeliveredPositionInput)
  threads: DeliveredPositionInput[];
}
