import { Field, Int, InterfaceType, ObjectType } from '@nestjs/graphql';
import type { StreamEvent } from './journal-stream.js';

/** The GraphQL type of each kind of event; the rooms that own the data define the types. */
const TYPE_NAMES = {
  READY: 'InboxReady',
  MESSAGE_ADDED: 'MessageAdded',
  MESSAGE_UPDATED: 'MessageUpdated',
  MESSAGE_READ: 'MessageRead',
  MESSAGE_DELIVERED: 'MessageRead',
  THREAD_UPDATED: 'ThreadUpdated',
  THREAD_REMOVED: 'ThreadRemoved',
  NOTIFICATION_ADDED: 'NotificationAdded',
} as const;

@InterfaceType({
  description: 'An entry of the viewer’s journal, or the start of a stream.',
  resolveType: (event: StreamEvent) => TYPE_NAMES[event.kind],
})
export abstract class InboxEvent {
  @Field({ description: 'Resumes right behind this event, in any subscription and in sync.' })
  cursor: string;

  @Field({ description: 'When it was committed.' })
  at: Date;

  @Field(() => Int, {
    description:
      'The viewer’s unread messages as of this entry, so that a client never adds up by itself.',
  })
  unreadMessageCount: number;

  @Field(() => Int, { description: 'The viewer’s threads with unread messages as of this entry.' })
  unreadThreadCount: number;
}

@ObjectType({
  implements: () => InboxEvent,
  description:
    'First event of inboxEvents: from here on everything arrives. Fetch your state after it, then apply what follows.',
})
export class InboxReady extends InboxEvent {}

@ObjectType({ description: 'What happened after a cursor.' })
export class InboxSync {
  @Field(() => [InboxEvent], { description: 'The events, oldest first.' })
  events: InboxEvent[];

  @Field({ description: 'Where to go on: behind the last event of this answer.' })
  cursor: string;

  @Field({
    description: 'Whether more has happened than this answer holds: ask again with its cursor.',
  })
  hasMore: boolean;
}
