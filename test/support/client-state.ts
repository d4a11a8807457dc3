import type { HttpClient } from './http-client.js';

// What a client keeps, as docs/protocol.md tells it to: fetched once, and then changed by events alone.

const USER = '{ id displayName avatarUrl }';
const MESSAGE = `{
  id threadId sequence authorId senderUserId sender ${USER} body messageType location { latitude longitude label }
  systemEvent { code params { key value } } replyTo { id } clientMessageId sentAt editedAt deletedAt
  status readAt readBy { user ${USER} readAt }
}`;
const THREAD = `{
  id tripId touristId guideId status blockedBy ${USER} lastSequence lastMessageAt lastMessage { id } createdAt updatedAt
  unreadCount viewerCanSend viewerMutedUntil
  participants {
    user ${USER} role joinedAt joinedSequence lastReadSequence lastReadAt lastDeliveredSequence
  }
}`;

export const EVENTS = `subscription ($after: String) {
  inboxEvents(after: $after) {
    __typename cursor unreadMessageCount unreadThreadCount
    ... on MessageAdded { message ${MESSAGE} thread ${THREAD} }
    ... on MessageUpdated { message ${MESSAGE} thread ${THREAD} }
    ... on MessageRead { receipt reader ${USER} upToSequence readAt thread ${THREAD} }
    ... on ThreadUpdated { thread ${THREAD} }
    ... on ThreadRemoved { threadId }
  }
}`;

const FETCH = `{
  viewer { unreadMessageCount unreadThreadCount cursor }
  threads(first: 100) { nodes ${THREAD} }
}`;
const HISTORY = `query ($id: ID!) { thread(id: $id) { messages(first: 100) { nodes ${MESSAGE} } } }`;

export interface ClientState {
  unreadMessageCount: number;
  unreadThreadCount: number;
  cursor: string;
  threads: Record<string, any>;
  /** By thread, then by sequence. */
  messages: Partial<Record<string, Record<number, any>>>;
}

export async function fetchState(client: HttpClient): Promise<ClientState> {
  const { viewer, threads } = await client.run(FETCH);
  const state: ClientState = { ...viewer, threads: {}, messages: {} };
  for (const thread of threads.nodes) {
    state.threads[thread.id] = thread;
    state.messages[thread.id] = await fetchHistory(client, thread.id);
  }
  return state;
}

async function fetchHistory(client: HttpClient, id: string): Promise<Record<number, any>> {
  const { thread } = await client.run(HISTORY, { id });
  return Object.fromEntries(
    thread.messages.nodes.map((message: any) => [message.sequence, message]),
  );
}

/** Changes the state by one event; only the history of a thread that is new to the client is fetched. */
export async function apply(state: ClientState, event: any, client: HttpClient): Promise<void> {
  const { cursor, unreadMessageCount, unreadThreadCount } = event;
  Object.assign(state, { cursor, unreadMessageCount, unreadThreadCount });
  const { message, thread, threadId } = event;
  if (event.__typename === 'ThreadRemoved') {
    const { [threadId]: _thread, ...threads } = state.threads;
    const { [threadId]: _messages, ...messages } = state.messages;
    Object.assign(state, { threads, messages });
    return;
  }
  if (thread !== undefined) {
    if (!(thread.id in state.threads))
      state.messages[thread.id] = await fetchHistory(client, thread.id);
    state.threads[thread.id] = thread;
  }
  if (message !== undefined) (state.messages[message.threadId] ??= {})[message.sequence] = message;
  if (event.__typename === 'MessageRead' && event.receipt === 'READ') noteReading(state, event);
  if (thread !== undefined) settle(state, thread);
}

/** The reader has now read everything up to the marker that they had not read before. */
function noteReading(state: ClientState, { thread, reader, upToSequence, readAt }: any): void {
  const participant = thread.participants.find(({ user }: any) => user.id === reader.id);
  // Who has left meanwhile counts for nothing.
  const joinedSequence = participant?.joinedSequence ?? Infinity;
  for (const message of Object.values(state.messages[thread.id] ?? {})) {
    const counts = message.sequence > joinedSequence && message.sequence <= upToSequence;
    const known = message.readBy.some(({ user }: any) => user.id === reader.id);
    if (counts && !known && message.authorId !== reader.id)
      message.readBy.push({ user: reader, readAt });
  }
}

/** Names, status and readAt of a thread's messages follow from its participants and from who has read what. */
function settle(state: ClientState, { id, participants }: any): void {
  const users = new Map(participants.map(({ user }: any) => [user.id, user]));
  for (const message of Object.values(state.messages[id] ?? {})) {
    const others = participants.filter(
      ({ user, joinedSequence }: any) =>
        user.id !== message.authorId && joinedSequence < message.sequence,
    );
    // Whoever has left and come back meanwhile does not count for what was said before.
    message.readBy = message.readBy
      .filter(({ user }: any) => others.some((other: any) => other.user.id === user.id))
      .map(({ user, readAt }: any) => ({ user: users.get(user.id), readAt }));
    if (message.sender !== null) message.sender = users.get(message.sender.id) ?? message.sender;
    const hasRead = ({ user }: any): boolean =>
      message.readBy.some((reading: any) => reading.user.id === user.id);
    const isRead = others.length > 0 && others.every(hasRead);
    const isDelivered =
      others.length > 0 &&
      others.every(({ lastDeliveredSequence }: any) => lastDeliveredSequence >= message.sequence);
    message.status = isRead ? 'READ' : isDelivered ? 'DELIVERED' : 'SENT';
    message.readAt = isRead
      ? message.readBy
          .map(({ readAt }: any) => readAt)
          .sort()
          .at(-1)
      : null;
  }
}
