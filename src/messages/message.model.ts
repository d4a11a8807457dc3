import { Field, Float, ID, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { MessageType } from '../generated/prisma/enums.js';
import { paginated } from '../graphql/paging.js';
import { User } from '../users/user.model.js';
import { InboxEvent } from '../inbox/inbox-event.model.js';

/** How far a message has come, seen from its sender. */
export enum MessageStatus {
  SENT = 'SENT',
  DELIVERED = 'DELIVERED',
  READ = 'READ',
}

/** What a MessageRead event tells of. */
export enum ReceiptKind {
  READ = 'READ',
  DELIVERED = 'DELIVERED',
}

registerEnumType(MessageType, {
  name: 'MessageType',
  description: 'What a message is.',
  valuesMap: {
    TEXT: { description: 'What a person wrote, in body.' },
    SYSTEM: {
      description:
        'Said by the platform; systemEvent lets a client say it in the viewer’s language.',
    },
    IMAGE: { description: 'A picture: body is an https URL or the marketplace’s own reference.' },
    FILE: { description: 'A file: body is an https URL or the marketplace’s own reference.' },
    LOCATION: { description: 'A place on the map, in location; body may say something about it.' },
  },
});

registerEnumType(MessageStatus, {
  name: 'MessageStatus',
  description:
    'Derived for the sender’s ticks: SENT once stored, DELIVERED once every other participant’s client has it, READ once every other participant has read it.',
  valuesMap: {
    SENT: { description: 'Stored, and on its way.' },
    DELIVERED: { description: 'Every other participant’s client has it.' },
    READ: { description: 'Every other participant has read it.' },
  },
});

registerEnumType(ReceiptKind, {
  name: 'ReceiptKind',
  description: 'What a MessageRead event tells of.',
  valuesMap: {
    READ: {
      description:
        'The reader’s lastReadSequence moved; or, told to the reader alone, it stayed and they have seen their receipts.',
    },
    DELIVERED: {
      description: 'Only the reader’s lastDeliveredSequence moved: their client has the messages.',
    },
  },
});

@ObjectType({ description: 'A place on the map.' })
export class GeoPoint {
  @Field(() => Float, { description: 'Degrees north, -90 to 90.' })
  latitude: number;

  @Field(() => Float, { description: 'Degrees east, -180 to 180.' })
  longitude: number;

  @Field(() => String, { nullable: true, description: 'What to call it.' })
  label: string | null;
}

@ObjectType({ description: 'One parameter of a system message.' })
export class KeyValue {
  @Field({ description: 'Its name.' })
  key: string;

  @Field({ description: 'Its value.' })
  value: string;
}

@ObjectType({
  description: 'What a system message says, for a client to render in the viewer’s language.',
})
export class SystemEvent {
  @Field({
    description:
      'What happened. parley’s own: thread.archived, thread.blocked, thread.unblocked, thread.reopened (params: by, and reason where given); services send their own codes.',
  })
  code: string;

  @Field(() => [KeyValue], { description: 'What to fill in.' })
  params: KeyValue[];
}

@ObjectType({ description: 'A message of a thread.' })
export class ChatMessage {
  @Field(() => ID, { description: 'UUID of the message; ids sort by time.' })
  id: string;

  @Field(() => ID, { description: 'UUID of the thread.' })
  threadId: string;

  @Field(() => Int, {
    description:
      '1, 2, 3 … inside the thread: no gaps, no repeats; the order of the thread. Deleted messages keep theirs.',
  })
  sequence: number;

  @Field(() => ID, {
    nullable: true,
    description: 'User id of the sender. Null for system messages.',
  })
  senderUserId: string | null;

  @Field(() => User, {
    nullable: true,
    description: 'Who sent it. Null for system messages.',
  })
  sender: User | null;

  @Field(() => ID, {
    description:
      'User id of who made it: its sender, or of a system message whoever caused it (a service, or who changed the status). Whether they have read it counts for nobody. Stays when the message is deleted.',
  })
  authorId: string;

  @Field({
    description:
      'The text exactly as it was sent (never rewritten or HTML-escaped on the server: escape it where you show it); empty for a deleted message.',
  })
  body: string;

  @Field(() => MessageType, { description: 'What it is.' })
  messageType: MessageType;

  @Field(() => ID, {
    nullable: true,
    description:
      'The id its sender’s client gave it: tells the echo of an own message from a new one.',
  })
  clientMessageId: string | null;

  @Field({ description: 'When it was stored, by the database’s clock; grows with the sequence.' })
  sentAt: Date;

  @Field(() => Date, {
    nullable: true,
    description: 'When it was last edited; null while it never was.',
  })
  editedAt: Date | null;

  @Field(() => Date, {
    nullable: true,
    description: 'When it was deleted; null while it is there.',
  })
  deletedAt: Date | null;

  /** For the resolved fields. */
  latitude: number | null;
  longitude: number | null;
  locationLabel: string | null;
  systemCode: string | null;
  systemParams: KeyValue[] | null;
  replyToId: string | null;
}

@ObjectType({ description: 'That somebody has read a message.' })
export class MessageReader {
  @Field({ description: 'When their read marker came to it or passed it.' })
  readAt: Date;

  userId: string;
}

@ObjectType({ description: 'What a message said until it was edited or deleted.' })
export class MessageVersion {
  @Field({ description: 'The earlier text.' })
  body: string;

  @Field({ description: 'Until when the message said this.' })
  replacedAt: Date;

  /** For the resolved fields. */
  replacedById: string;
  latitude: number | null;
  longitude: number | null;
  locationLabel: string | null;
  systemCode: string | null;
  systemParams: KeyValue[] | null;
}

export const ChatMessageConnection = paginated(ChatMessage, 'ChatMessage');

@ObjectType({
  implements: () => InboxEvent,
  description: 'A new message in a thread of the viewer, also for the sender’s other devices.',
})
export class MessageAdded extends InboxEvent {
  messageId: string;
  threadId: string;
}

@ObjectType({ implements: () => InboxEvent, description: 'A message was edited or deleted.' })
export class MessageUpdated extends InboxEvent {
  messageId: string;
  threadId: string;
}

@ObjectType({
  implements: () => InboxEvent,
  description:
    'Somebody read (or received) a thread up to and including a message: one event, however many messages that covers. `receipt` tells which of the two.',
})
export class MessageRead extends InboxEvent {
  @Field(() => Int, { description: 'The reader’s marker now: this message and all before it.' })
  upToSequence: number;

  threadId: string;
  actorId: string;
}
