import { ArgsType, Field, ID, InputType, ObjectType } from '@nestjs/graphql';
import { IsBoolean, IsUUID } from 'class-validator';

@ArgsType()
export class TypingChangedArgs {
  @Field(() => ID, {
    description:
      'UUID of the thread. NOT_FOUND where the viewer may not see it, FORBIDDEN for a service or an admin who is not in it.',
  })
  @IsUUID()
  threadId: string;
}

@InputType({ description: 'Whether the viewer is typing.' })
export class SetTypingInput {
  @Field(() => ID, {
    description:
      'UUID of the thread. NOT_FOUND where the viewer may not see it, FORBIDDEN for a service or an admin who is not in it.',
  })
  @IsUUID()
  threadId: string;

  @Field({
    description:
      'true while typing, to be repeated every few seconds, for it ends by itself 7 seconds (unless configured) after the last one; false when done.',
  })
  @IsBoolean()
  isTyping: boolean;
}

@ObjectType({ description: 'The signal is on its way.' })
export class SetTypingPayload {
  @Field(() => ID, { description: 'UUID of the thread.' })
  threadId: string;
}
