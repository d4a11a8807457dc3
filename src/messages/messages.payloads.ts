import { Field, Int, ObjectType } from '@nestjs/graphql';
import { ChatThread } from '../threads/thread.model.js';
import { ChatMessage } from './message.model.js';

@ObjectType({ description: 'The message as it is stored.' })
export class SendMessagePayload {
  @Field(() => ChatMessage, { description: 'The message.' })
  message: ChatMessage;

  @Field({
    description:
      'True where this clientMessageId had been stored before: this call has changed nothing.',
  })
  deduplicated: boolean;
}

@ObjectType({ isAbstract: true })
class WithMessage {
  @Field(() => ChatMessage, { description: 'The message as it is now.' })
  message: ChatMessage;
}

@ObjectType({ description: 'The edited message.' })
export class EditMessagePayload extends WithMessage {}

@ObjectType({ description: 'The tombstone.' })
export class DeleteMessagePayload extends WithMessage {}

@ObjectType({ description: 'What reading changed.' })
export class MarkReadPayload {
  @Field(() => ChatThread, { description: 'The thread with its unread count.' })
  thread: ChatThread;

  @Field(() => Int, { description: 'How many messages of others this call marked.' })
  markedCount: number;
}

@ObjectType({ description: 'The threads that were named.' })
export class MarkDeliveredPayload {
  @Field(() => [ChatThread], { description: 'In the order of the input.' })
  threads: ChatThread[];
}
