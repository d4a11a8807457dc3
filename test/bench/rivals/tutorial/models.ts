import { Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { IsEnum, IsOptional, IsString, IsUUID, MaxLength, MinLength } from 'class-validator';

export enum MessageType {
  TEXT = 'TEXT',
  SYSTEM = 'SYSTEM',
  IMAGE = 'IMAGE',
  FILE = 'FILE',
}

export enum ThreadStatus {
  ACTIVE = 'ACTIVE',
  ARCHIVED = 'ARCHIVED',
  BLOCKED = 'BLOCKED',
}

registerEnumType(MessageType, { name: 'MessageType' });
registerEnumType(ThreadStatus, { name: 'ThreadStatus' });

@ObjectType()
export class User {
  @Field(() => ID) id!: string;
  @Field() name!: string;
}

@ObjectType()
export class Message {
  @Field(() => ID) id!: string;
  @Field(() => ID) threadId!: string;
  @Field(() => Int) seq!: number;
  @Field(() => ID, { nullable: true }) senderUserId?: string | null;
  @Field(() => User, { nullable: true }) sender?: User | null;
  @Field() body!: string;
  @Field(() => MessageType) messageType!: MessageType;
  @Field() sentAt!: Date;
  @Field(() => Date, { nullable: true }) readAt?: Date | null;
}

@ObjectType()
export class Thread {
  @Field(() => ID) id!: string;
  @Field(() => ThreadStatus) status!: ThreadStatus;
  @Field() lastMessageAt!: Date;
  @Field(() => Int) unreadCount!: number;
  @Field(() => User) otherParticipant!: User;
  @Field(() => Message, { nullable: true }) lastMessage?: Message | null;
}

@InputType()
export class SendMessageInput {
  @Field(() => ID) @IsUUID() threadId!: string;
  @Field() @IsString() @MinLength(1) @MaxLength(4000) body!: string;
  @Field(() => MessageType, { nullable: true })
  @IsOptional()
  @IsEnum(MessageType)
  messageType?: MessageType;
}
