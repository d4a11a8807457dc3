import { Field, ID, Int, ObjectType } from '@nestjs/graphql';

@ObjectType({
  description:
    'A person as the marketplace knows them. Created or refreshed from the token’s claims at first sight, or by upsertUsers.',
})
export class User {
  @Field(() => ID, {
    description:
      'The marketplace’s own user id, opaque here: `10`, a UUID, anything up to 64 characters.',
  })
  id: string;

  @Field(() => String, {
    nullable: true,
    description: 'The name to show; null while the marketplace has told none.',
  })
  displayName: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'URL of a picture; null while the marketplace has told none.',
  })
  avatarUrl: string | null;
}

@ObjectType({ description: 'The caller.' })
export class Viewer {
  @Field(() => Int, {
    description: 'Unread messages over all threads of the viewer: exact, never capped.',
  })
  unreadMessageCount: number;

  @Field(() => Int, { description: 'Threads with at least one unread message.' })
  unreadThreadCount: number;

  @Field({
    description:
      'Where the viewer’s journal stands, read before any other data of the same operation: query it together with your lists, then subscribe after it, and nothing falls between.',
  })
  cursor: string;
}
