import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TestApp } from './support/app.js';
import { startApp } from './support/app.js';
import { openThread, send } from './support/seeds.js';

const SEND = `mutation ($input: SendMessageInput!) {
  sendMessage(input: $input) {
    deduplicated
    message { id sequence body senderUserId clientMessageId sentAt status thread { id lastSequence unreadCount } }
  }
}`;
const WATCH = `subscription {
  inboxEvents {
    __typename cursor unreadMessageCount unreadThreadCount
    ... on MessageAdded { message { sequence body clientMessageId sender { id displayName } } thread { id unreadCount } }
  }
}`;

describe('the main job', () => {
  let app: TestApp;
  let threadId: string;

  beforeAll(async () => {
    app = await startApp();
    ({ id: threadId } = await openThread(app, { trip: 'madrid-1' }));
  });
  afterAll(() => app.stop());

  it('shows the guide live what the tourist writes', async () => {
    const ben = await app.socket('ben');
    const inbox = ben.start(WATCH);
    expect((await inbox.next()).inboxEvents.__typename).toBe('InboxReady');

    const ann = app.as('ann', { name: 'Ann' });
    const input = { threadId, body: 'Where do we meet?', clientMessageId: 'ann-1' };
    const { sendMessage } = await ann.run(SEND, { input });
    expect(sendMessage).toMatchObject({
      deduplicated: false,
      message: { sequence: 1, body: 'Where do we meet?', senderUserId: 'ann', status: 'SENT' },
    });

    const { inboxEvents } = await inbox.next();
    expect(inboxEvents).toMatchObject({
      __typename: 'MessageAdded',
      unreadMessageCount: 1,
      unreadThreadCount: 1,
      message: { sequence: 1, clientMessageId: 'ann-1', sender: { id: 'ann', displayName: 'Ann' } },
      thread: { id: threadId, unreadCount: 1 },
    });
  });

  it('shows the sender their own message on their other devices', async () => {
    const otherDevice = (await app.socket('ann')).start(WATCH);
    await otherDevice.next();
    await send(app.as('ann'), threadId, 'From my phone', 'ann-2');
    expect((await otherDevice.next()).inboxEvents).toMatchObject({
      unreadMessageCount: 0,
      message: { body: 'From my phone', clientMessageId: 'ann-2' },
    });
  });

  it('answers a repeated send with the first answer and stores nothing', async () => {
    const ann = app.as('ann');
    const input = { threadId, body: 'Only once', clientMessageId: 'ann-3' };
    const [first, second] = await Promise.all([ann.run(SEND, { input }), ann.run(SEND, { input })]);
    expect([first, second].map(({ sendMessage }) => sendMessage.deduplicated).sort()).toEqual([
      false,
      true,
    ]);
    expect(first.sendMessage.message.id).toBe(second.sendMessage.message.id);
    const { thread } = await ann.run('query ($id: ID!) { thread(id: $id) { lastSequence } }', {
      id: threadId,
    });
    expect(thread.lastSequence).toBe(first.sendMessage.message.sequence);
  });

  it('reads the thread, its history, the inbox and the totals', async () => {
    const { viewer, thread, threads, messages } = await app.as('ben').run(
      `query ($id: ID!) {
        viewer { user { id } unreadMessageCount unreadThreadCount cursor }
        thread(id: $id) { tripId tourist { id } guide { id } lastMessage { body } messages(last: 2) { nodes { body } } }
        threads { nodes { id unreadCount } pageInfo { hasNextPage } }
        messages(filter: { threadId: $id }, first: 2) { edges { cursor node { sequence } } }
      }`,
      { id: threadId },
    );
    expect(viewer).toMatchObject({
      user: { id: 'ben' },
      unreadMessageCount: 3,
      unreadThreadCount: 1,
    });
    expect(thread).toMatchObject({
      tripId: 'madrid-1',
      tourist: { id: 'ann' },
      guide: { id: 'ben' },
      lastMessage: { body: 'Only once' },
      messages: { nodes: [{ body: 'From my phone' }, { body: 'Only once' }] },
    });
    expect(threads).toEqual({
      nodes: [{ id: threadId, unreadCount: 3 }],
      pageInfo: { hasNextPage: false },
    });
    expect(messages.edges.map(({ node }: any) => node.sequence)).toEqual([1, 2]);
  });

  it('opens the same thread for the same three, also when asked at once', async () => {
    const open = `mutation ($input: OpenThreadInput!) { openThread(input: $input) { created thread { id } } }`;
    const input = { tripId: 'rome-1', touristId: 'ann', guideId: 'ben' };
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        app.as(index % 2 === 0 ? 'ann' : 'ben').run(open, { input }),
      ),
    );
    expect(new Set(answers.map(({ openThread: { thread } }) => thread.id)).size).toBe(1);
    expect(answers.filter(({ openThread: { created } }) => created)).toHaveLength(1);
  });

  it('answers each mutation of one operation with what is true after it', async () => {
    const send = (alias: string): string =>
      `${alias}: sendMessage(input: { threadId: "${threadId}", body: "${alias}", clientMessageId: "${alias}" }) {
        message { sequence thread { lastSequence lastMessage { body } } }
      }`;
    const { first, second } = await app
      .as('ann')
      .run(`mutation { ${send('first')} ${send('second')} }`);
    for (const [body, { message }] of Object.entries<any>({ first, second }))
      expect(message.thread).toEqual({ lastSequence: message.sequence, lastMessage: { body } });
  });

  it('takes 200 sends at once on two connections', async () => {
    const small = await startApp({ DATABASE_POOL_SIZE: '2' });
    const { id } = await openThread(small);
    const sent = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        send(small.as(index % 2 === 0 ? 'ann' : 'ben'), id),
      ),
    );
    expect(sent.map(({ sequence }) => sequence).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 200 }, (_, index) => index + 1),
    );
    await small.stop();
  });

  it('gives and takes the same over the socket', async () => {
    const ann = await app.socket('ann');
    const { sendMessage } = await ann.run(SEND, {
      input: { threadId, body: 'By socket', clientMessageId: 'ann-4' },
    });
    const { message } = await ann.run('query ($id: ID!) { message(id: $id) { body } }', {
      id: sendMessage.message.id,
    });
    expect(message.body).toBe('By socket');
  });

  it('stores text exactly as it was sent', async () => {
    const body = `  <b>"Grüße"</b> & 'quotes' \\ \u{1F3D6}\u{FE0F} \u0627\u0644 e\u0301\n\ttab `;
    const { id } = await send(app.as('ann'), threadId, body);
    const { message } = await app
      .as('ben')
      .run('query ($id: ID!) { message(id: $id) { body } }', { id });
    expect(message.body).toBe(body);
  });
});
