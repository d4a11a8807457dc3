import { Field, ID, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { ParticipantRole, ThreadStatus } from '../generated/prisma/enums.js';
import { paginated } from '../graphql/paging.js';
import { User } from '../users/user.model.js';
import { InboxEvent } from '../inbox/inbox-event.model.js';

registerEnumType(ParticipantRole, {
  name: 'ParticipantRole',
  description: 'As what somebody is in a thread.',
  valuesMap: {
    TOURIST: { description: 'The tourist the thread was opened for; always in it.' },
    GUIDE: { description: 'The guide the thread was opened for; always in it.' },
    MEMBER: { description: 'A travel companion, added by the marketplace.' },
    SUPPORT: { description: 'The marketplace’s support, visible to everybody in the thread.' },
  },
});

registerEnumType(ThreadStatus, {
  name: 'ThreadStatus',
  description: 'Whether a thread takes messages.',
  valuesMap: {
    ACTIVE: { description: 'Open for messages.' },
    ARCHIVED: {
      description:
        'Kept to read; refuses messages of people with THREAD_ARCHIVED until somebody in it makes it ACTIVE again. System messages are still accepted.',
    },
    BLOCKED: {
      description:
        'Kept to read; refuses every message with THREAD_BLOCKED. Only the person who blocked it, a service or an admin can lift it.',
    },
  },
});

@ObjectType({ description: 'Somebody in a thread.' })
export class ThreadParticipant {
  @Field(() => ParticipantRole, { description: 'As what this person is in the thread.' })
  role: ParticipantRole;

  @Field({ description: 'When this person came into the thread.' })
  joinedAt: Date;

  @Field(() => Int, {
    description:
      'The thread’s lastSequence when this person joined: earlier messages are history, which they need not read for a message to count as READ.',
  })
  joinedSequence: number;

  @Field(() => Int, {
    description:
      'Sequence up to and including which this person has read; joinedSequence (0 for tourist and guide) at the start, never goes backwards by a late request.',
  })
  lastReadSequence: number;

  @Field(() => Date, {
    nullable: true,
    description: 'When the read marker last moved; null while it has not.',
  })
  lastReadAt: Date | null;

  @Field(() => Int, {
    description:
      'Sequence up to and including which this person’s clients have received the thread.',
  })
  lastDeliveredSequence: number;

  /** For the field `user`. */
  userId: string;
  threadId: string;
  displayName: string | null;
  avatarUrl: string | null;
}

@ObjectType({
  description: 'A conversation between a tourist and a guide, usually about one trip.',
})
export class ChatThread {
  @Field(() => ID, { description: 'UUID of the thread.' })
  id: string;

  @Field(() => ID, {
    nullable: true,
    description:
      'The trip booking that the conversation is about; null for questions before a booking.',
  })
  tripId: string | null;

  @Field(() => ID, { description: 'User id of the tourist.' })
  touristId: string;

  @Field(() => ID, { description: 'User id of the guide.' })
  guideId: string;

  @Field(() => User, { description: 'The tourist.' })
  tourist: User;

  @Field(() => User, { description: 'The guide.' })
  guide: User;

  @Field(() => ThreadStatus, { description: 'Whether the thread takes messages.' })
  status: ThreadStatus;

  @Field(() => Int, { description: 'Sequence of the newest message; 0 while the thread is empty.' })
  lastSequence: number;

  @Field(() => Date, {
    nullable: true,
    description: 'When the newest message was sent; null while the thread is empty.',
  })
  lastMessageAt: Date | null;

  @Field({ description: 'When the thread was opened.' })
  createdAt: Date;

  @Field({
    description:
      'When the thread last changed: a new message, its status, its participants. Not what is edited, deleted or read.',
  })
  updatedAt: Date;

  @Field(() => Int, {
    description:
      'Messages of others above the viewer’s read marker. Exact. 0 for a service or an admin who is not in the thread.',
  })
  unreadCount: number;

  @Field({ description: 'Whether the viewer may send a person’s message now.' })
  viewerCanSend: boolean;

  @Field(() => Date, {
    nullable: true,
    description:
      'The viewer’s own switch: no notifications of this thread until then. An instant that has passed mutes no more; null where it never did, or was unmuted.',
  })
  viewerMutedUntil: Date | null;

  /** For the fields of other rooms and for the list's cursor. */
  blockedById: string | null;
  lastMessageId: string | null;
  activityAt: Date;
}

export const ChatThreadConnection = paginated(ChatThread, 'ChatThread');

@ObjectType({
  implements: () => InboxEvent,
  description:
    'A thread of the viewer appeared or changed: created, status, participants, the viewer’s own switches.',
})
export class ThreadUpdated extends InboxEvent {
  threadId: string;
}

@ObjectType({
  implements: () => InboxEvent,
  description:
    'A thread is no longer the viewer’s: it was deleted, or the viewer was removed from it.',
})
export class ThreadRemoved extends InboxEvent {
  @Field(() => ID, { description: 'The thread to forget, with its messages.' })
  threadId: string;
}
