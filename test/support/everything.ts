import { randomUUID } from 'node:crypto';
import type { TestApp } from './app.js';
import { until } from './app.js';
import {
  addParticipant,
  deleteThread,
  markRead,
  openThread,
  PLATFORM,
  send,
  setStatus,
} from './seeds.js';

/** What a test of every field needs to know of what is there. */
export interface Everything {
  /** Of ann, ben and cat, with messages of every type. */
  readonly threadId: string;
  readonly emptyId: string;
  readonly messageIds: readonly string[];
  /** Where ann's journal stood before all that. */
  readonly start: string;
  /** For each root field of a query, the arguments with which it shows something of every kind. */
  readonly argumentsOf: Readonly<Record<string, readonly string[]>>;
}

/** Something of every kind that the API can show to ann. */
export async function seedEverything(app: TestApp): Promise<Everything> {
  const [ann, ben, platform] = [app.as('ann'), app.as('ben'), app.as('platform', PLATFORM)];
  await platform.run(
    'mutation ($input: UpsertUsersInput!) { upsertUsers(input: $input) { users { id } } }',
    {
      input: {
        users: [
          { id: 'ann', displayName: 'Ann "A" <é😀>', avatarUrl: 'https://example.com/a.png' },
          { id: 'ben', displayName: 'Ben' },
        ],
      },
    },
  );
  const { cursor: start } = (await ann.run('{ viewer { cursor } }')).viewer;
  await ann.run(
    `mutation { updateNotificationPreferences(input: {
       channels: [{ channel: IN_APP, types: [NEW_MESSAGE, SYSTEM_MESSAGE, THREAD_STATUS_CHANGED, MESSAGE_READ] }],
       quietHours: { from: "22:00", until: "07:00" }
     }) { viewer { cursor } } }`,
  );
  const { id: threadId } = await openThread(app, { trip: randomUUID() });
  const { id: emptyId } = await openThread(app);
  const { id: blockedId } = await openThread(app, { guide: 'bob', trip: randomUUID() });
  const { id: goneId } = await openThread(app, { guide: 'bob', trip: 'gone' });
  await addParticipant(app, threadId, 'cat');
  const say = async (client: typeof ann, fields: object): Promise<string> =>
    (
      await client.run(
        'mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }',
        { input: { threadId, clientMessageId: randomUUID(), ...fields } },
      )
    ).sendMessage.message.id;
  const text = await say(ann, { body: 'A "text"\n\\ \u2028 with é and 😀' });
  const messageIds = [
    text,
    await say(ben, { body: 'An answer', replyToMessageId: text }),
    await say(ben, { body: 'https://example.com/a.png', messageType: 'IMAGE' }),
    await say(ben, { body: 'https://example.com/a.pdf', messageType: 'FILE' }),
    await say(ann, {
      messageType: 'LOCATION',
      location: { latitude: 41.25, longitude: -0.000001, label: 'Here' },
    }),
    await say(app.as('cat'), { messageType: 'LOCATION', location: { latitude: 0, longitude: 90 } }),
    await say(ben, { body: 'Edited' }),
    await say(ben, { body: 'Deleted' }),
  ];
  await ben.run(
    'mutation ($input: EditMessageInput!) { editMessage(input: $input) { message { id } } }',
    { input: { messageId: messageIds[6], body: 'Edited twice' } },
  );
  await ben.run(
    'mutation ($input: DeleteMessageInput!) { deleteMessage(input: $input) { message { id } } }',
    { input: { messageId: messageIds[7] } },
  );
  await markRead(ben, threadId, 1);
  await markRead(ann, threadId, 4);
  const system = { threadId, body: 'Paid', clientMessageId: randomUUID() };
  for (const fields of [
    { ...system, code: 'paid', params: [{ key: 'amount', value: '5' }] },
    { ...system, clientMessageId: randomUUID() },
  ]) {
    const { sendSystemMessage } = await platform.run(
      'mutation ($input: SendSystemMessageInput!) { sendSystemMessage(input: $input) { message { id } } }',
      { input: fields },
    );
    messageIds.push(sendSystemMessage.message.id);
  }
  messageIds.push(await say(ann, { body: 'Again', replyToMessageId: messageIds[7] }));
  await ann.run(
    'mutation ($input: MuteThreadInput!) { muteThread(input: $input) { thread { id } } }',
    { input: { threadId: emptyId, until: '2100-01-01T00:00:00.000Z' } },
  );
  await send(app.as('bob'), blockedId);
  await setStatus(app.as('bob'), blockedId, 'BLOCKED');
  await markRead(ben, threadId, 9);
  await deleteThread(app, goneId);
  await untilTold(app);
  const first = 20;
  const journal = await pagesOf(app, start, first);
  return {
    threadId,
    emptyId,
    messageIds,
    start,
    argumentsOf: {
      thread: [threadId, emptyId, blockedId].map((id) => `(id: "${id}")`),
      threads: ['(first: 3)', '(first: 1, filter: { tripId: "nowhere" })'],
      message: messageIds.map((id) => `(id: "${id}")`),
      messages: [`(filter: { threadId: "${threadId}" }, first: 12)`, '(filter: {}, last: 3)'],
      notifications: ['(first: 3)'],
      notificationTrace: [text, messageIds[1]].map((id) => `(messageId: "${id}")`),
      sync: ['', ...journal.map((after) => `(after: "${after}", first: ${first})`)],
    },
  };
}

/** Notifications are made beside; here they are all made: of the messages, of the block and of the reading. */
async function untilTold(app: TestApp): Promise<void> {
  await until(async () => {
    const { notifications } = await app.as('ann').run('{ notifications { nodes { type } } }');
    const types = new Set(notifications.nodes.map(({ type }: { type: string }) => type));
    return types.size === 4;
  }, 'ann was told of everything');
}

/** Where the pages of ann's journal begin. */
async function pagesOf(app: TestApp, start: string, first: number): Promise<string[]> {
  const cursors = [start];
  for (;;) {
    const { sync } = await app
      .as('ann')
      .run(
        'query ($after: String, $first: Int) { sync(after: $after, first: $first) { cursor hasMore } }',
        {
          after: cursors.at(-1),
          first,
        },
      );
    if (!sync.hasMore) return cursors;
    cursors.push(sync.cursor);
  }
}
