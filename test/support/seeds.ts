import { randomUUID } from 'node:crypto';
import type { TestApp } from './app.js';

/** Whoever runs operations for somebody: an HttpClient or a SocketClient. */
export interface Runner {
  /** A test knows what it asked for. */
  run(query: string, variables?: unknown): Promise<any>;
}

/** A thread, as tests speak of it. */
export interface SeededThread {
  readonly id: string;
  readonly touristId: string;
  readonly guideId: string;
}

/** A message, as tests speak of it. */
export interface SeededMessage {
  readonly id: string;
  readonly sequence: number;
  readonly clientMessageId: string;
}

export const PLATFORM = { roles: ['service'] } as const;
export const ADMIN = { roles: ['admin'] } as const;

/** The thread of ann and ben, unless others are named; opened by the platform. */
export async function openThread(
  app: TestApp,
  {
    tourist = 'ann',
    guide = 'ben',
    trip,
  }: { tourist?: string; guide?: string; trip?: string } = {},
): Promise<SeededThread> {
  const data: unknown = await app.as('platform', PLATFORM).run(
    `mutation ($input: OpenThreadInput!) {
       openThread(input: $input) { thread { id touristId guideId } }
     }`,
    { input: { touristId: tourist, guideId: guide, tripId: trip } },
  );
  return (data as { openThread: { thread: SeededThread } }).openThread.thread;
}

/** A text by whoever the client is. */
export async function send(
  client: Runner,
  threadId: string,
  body = 'Hello',
  clientMessageId: string = randomUUID(),
): Promise<SeededMessage> {
  const data: unknown = await client.run(
    `mutation ($input: SendMessageInput!) {
       sendMessage(input: $input) { message { id sequence clientMessageId } }
     }`,
    { input: { threadId, body, clientMessageId } },
  );
  return (data as { sendMessage: { message: SeededMessage } }).sendMessage.message;
}

/** So many texts, one after the other: `1`, `2`, `3` … unless told. */
export async function sendMany(
  client: Runner,
  threadId: string,
  count: number,
  body: (place: number) => string = String,
): Promise<SeededMessage[]> {
  const messages = [];
  for (let place = 1; place <= count; place++)
    messages.push(await send(client, threadId, body(place)));
  return messages;
}

/** A companion joins; the platform does it. */
export async function addParticipant(
  app: TestApp,
  threadId: string,
  userId: string,
  role: 'MEMBER' | 'SUPPORT' = 'MEMBER',
): Promise<void> {
  await app
    .as('platform', PLATFORM)
    .run(
      `mutation ($input: AddParticipantInput!) { addParticipant(input: $input) { thread { id } } }`,
      { input: { threadId, userId, role } },
    );
}

/** Somebody has to go; the platform does it. */
export async function removeParticipant(
  app: TestApp,
  threadId: string,
  userId: string,
): Promise<void> {
  await app
    .as('platform', PLATFORM)
    .run(
      `mutation ($input: RemoveParticipantInput!) { removeParticipant(input: $input) { thread { id } } }`,
      { input: { threadId, userId } },
    );
}

/** It is erased; the platform does it. */
export async function deleteThread(app: TestApp, threadId: string): Promise<void> {
  await app
    .as('platform', PLATFORM)
    .run(
      'mutation ($input: DeleteThreadInput!) { deleteThread(input: $input) { deletedThreadId } }',
      { input: { threadId } },
    );
}

export async function deleteMessage(client: Runner, messageId: string): Promise<void> {
  await client.run(
    `mutation ($input: DeleteMessageInput!) { deleteMessage(input: $input) { message { id } } }`,
    { input: { messageId } },
  );
}

/** @returns how many messages this marked */
export async function markRead(
  client: Runner,
  threadId: string,
  upToSequence?: number,
): Promise<number> {
  const data: unknown = await client.run(
    `mutation ($input: MarkThreadReadInput!) { markThreadRead(input: $input) { markedCount } }`,
    { input: { threadId, upToSequence } },
  );
  return (data as { markThreadRead: { markedCount: number } }).markThreadRead.markedCount;
}

export async function setStatus(
  client: Runner,
  threadId: string,
  status: 'ACTIVE' | 'ARCHIVED' | 'BLOCKED',
): Promise<void> {
  await client.run(
    `mutation ($input: UpdateThreadStatusInput!) { updateThreadStatus(input: $input) { thread { id } } }`,
    { input: { threadId, status } },
  );
}
