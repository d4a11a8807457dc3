import { Field, ID, ObjectType } from '@nestjs/graphql';

@ObjectType({
  description:
    'Who is typing now in a thread, the whole set each time, the viewer included. Not journaled; empties by itself after a few silent seconds.',
})
export class TypingChanged {
  @Field(() => ID, { description: 'UUID of the thread.' })
  threadId: string;

  /** For the field `users`. */
  userIds: readonly string[];
}
