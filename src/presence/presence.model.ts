import { Field, ObjectType } from '@nestjs/graphql';

@ObjectType({
  description: 'Somebody who shares a thread with the viewer came or went. Not journaled.',
})
export class PresenceChanged {
  @Field({ description: 'Whether this person is online now.' })
  isOnline: boolean;

  @Field(() => Date, {
    nullable: true,
    description:
      'When this person last came or went; connections beside an open one need not move it. Null while none has been seen.',
  })
  lastSeenAt: Date | null;

  /** For the field `user`. */
  userId: string;
}
