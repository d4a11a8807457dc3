import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Database } from '../src/database/database.js';
import type { TestApp } from './support/app.js';
import { startApp } from './support/app.js';
import type { HttpClient } from './support/http-client.js';
import { ADMIN, addParticipant, openThread, PLATFORM, send, setStatus } from './support/seeds.js';

const UPDATE = `mutation ($input: UpdateThreadStatusInput!) {
  updateThreadStatus(input: $input) { thread { status viewerCanSend blockedBy { id } lastSequence } }
}`;
const SEND = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id sequence } } }`;
const SEND_SYSTEM = `mutation ($input: SendSystemMessageInput!) {
  sendSystemMessage(input: $input) { message { sequence senderUserId body systemEvent { code params { key value } } } }
}`;
const EDIT = `mutation ($input: EditMessageInput!) { editMessage(input: $input) { message { body } } }`;

let app: TestApp;
let ann: HttpClient;
let ben: HttpClient;
let platform: HttpClient;
let admin: HttpClient;
let threadId: string;

beforeAll(async () => {
  app = await startApp();
  [ann, ben, platform, admin] = [
    app.as('ann'),
    app.as('ben'),
    app.as('platform', PLATFORM),
    app.as('root', ADMIN),
  ];
});
beforeEach(async () => {
  ({ id: threadId } = await openThread(app, { trip: randomUUID() }));
});
afterAll(() => app.stop());

const text = (): object => ({ input: { threadId, body: 'Hello', clientMessageId: randomUUID() } });
const to = (status: string, reason?: string): object => ({ input: { threadId, status, reason } });
const update = async (client: HttpClient, status: string, reason?: string): Promise<any> =>
  (await client.run(UPDATE, to(status, reason))).updateThreadStatus.thread;
const history = async (): Promise<any[]> =>
  (
    await ann.run(
      `query ($id: ID!) { thread(id: $id) { messages { nodes {
         sequence messageType senderUserId body systemEvent { code params { key value } } } } } }`,
      { id: threadId },
    )
  ).thread.messages.nodes;

describe('an archived thread', () => {
  it('refuses people’s messages and edits, takes what services say, and is opened by anybody in it', async () => {
    const { id: messageId } = await send(ann, threadId);
    expect(await update(ann, 'ARCHIVED')).toMatchObject({
      status: 'ARCHIVED',
      viewerCanSend: false,
    });
    expect(await ann.refusal(SEND, text())).toBe('THREAD_ARCHIVED');
    expect(await ben.refusal(SEND, text())).toBe('THREAD_ARCHIVED');
    expect(await ann.refusal(EDIT, { input: { messageId, body: 'Other' } })).toBe(
      'THREAD_ARCHIVED',
    );
    const { sendSystemMessage } = await platform.run(SEND_SYSTEM, {
      input: {
        threadId,
        body: 'Paid.',
        code: 'booking.paid',
        params: [{ key: 'sum', value: '10 €' }],
        clientMessageId: randomUUID(),
      },
    });
    expect(sendSystemMessage.message).toEqual({
      sequence: 3,
      senderUserId: null,
      body: 'Paid.',
      systemEvent: { code: 'booking.paid', params: [{ key: 'sum', value: '10 €' }] },
    });
    expect(await update(ben, 'ACTIVE')).toMatchObject({ status: 'ACTIVE', viewerCanSend: true });
    expect(await send(ann, threadId)).toMatchObject({ sequence: 5 });
    await ann.run(EDIT, { input: { messageId, body: 'Other' } });
  });
});

describe('a blocked thread', () => {
  it('refuses every message, until whoever blocked it lifts that', async () => {
    const { id: messageId } = await send(ben, threadId);
    expect(await update(ann, 'BLOCKED')).toMatchObject({
      status: 'BLOCKED',
      viewerCanSend: false,
      blockedBy: { id: 'ann' },
    });
    for (const client of [ann, ben])
      expect(await client.refusal(SEND, text())).toBe('THREAD_BLOCKED');
    expect(await ben.refusal(EDIT, { input: { messageId, body: 'Other' } })).toBe('THREAD_BLOCKED');
    expect(
      await platform.refusal(SEND_SYSTEM, {
        input: { threadId, body: 'Paid.', clientMessageId: randomUUID() },
      }),
    ).toBe('THREAD_BLOCKED');
    for (const status of ['ACTIVE', 'ARCHIVED'])
      expect(await ben.refusal(UPDATE, to(status))).toBe('FORBIDDEN');
    expect(await update(ann, 'ACTIVE')).toMatchObject({ status: 'ACTIVE', blockedBy: null });
    await send(ben, threadId);
  });

  it.each([
    ['a service', () => platform],
    ['an admin', () => admin],
  ])('is lifted by %s, whoever blocked it', async (_who, client) => {
    await update(ann, 'BLOCKED');
    expect(await update(client(), 'ACTIVE')).toMatchObject({ status: 'ACTIVE', blockedBy: null });
    await update(client(), 'BLOCKED');
    expect(await ann.refusal(UPDATE, to('ACTIVE'))).toBe('FORBIDDEN');
    await update(client(), 'ACTIVE');
  });

  it('is still read, received and cleaned up', async () => {
    const { id: messageId } = await send(ann, threadId);
    await update(ben, 'BLOCKED');
    const read = `mutation ($input: MarkThreadReadInput!) { markThreadRead(input: $input) { markedCount } }`;
    expect((await ben.run(read, { input: { threadId } })).markThreadRead.markedCount).toBe(1);
    await ann.run(
      'mutation ($input: DeleteMessageInput!) { deleteMessage(input: $input) { message { id } } }',
      { input: { messageId } },
    );
    expect((await history()).map(({ body }) => body)).toEqual([
      '',
      'The conversation was blocked.',
    ]);
  });

  it('comes before the other’s message or after it, never in between', async () => {
    for (let round = 0; round < 15; round++) {
      const { id } = await openThread(app, { trip: randomUUID() });
      threadId = id;
      const sends = Array.from({ length: 4 }, () => ben.send(SEND, text()));
      const [, ...answers] = await Promise.all([update(ann, 'BLOCKED'), ...sends]);
      const messages = await history();
      const block = messages.findIndex(({ systemEvent }) => systemEvent?.code === 'thread.blocked');
      // What was taken stands above the block, and what is not there was refused.
      expect(messages.slice(block + 1)).toEqual([]);
      const taken = answers.flatMap(({ data }) => data?.sendMessage?.message.sequence ?? []);
      expect(taken.sort((a, b) => a - b)).toEqual(Array.from({ length: block }, (_, at) => at + 1));
      for (const { errors } of answers.filter(({ data }) => data === null))
        expect(errors?.[0]?.extensions.code).toBe('THREAD_BLOCKED');
    }
  });
});

describe('a change of status', () => {
  it('is a system message with a code, who and why', async () => {
    await update(ann, 'ARCHIVED', 'Trip is over');
    await update(ben, 'ACTIVE');
    await update(ben, 'BLOCKED');
    await update(ben, 'ACTIVE');
    const by = (value: string): object => ({ key: 'by', value });
    expect((await history()).map(({ systemEvent }) => systemEvent)).toEqual([
      { code: 'thread.archived', params: [by('ann'), { key: 'reason', value: 'Trip is over' }] },
      { code: 'thread.reopened', params: [by('ben')] },
      { code: 'thread.blocked', params: [by('ben')] },
      { code: 'thread.unblocked', params: [by('ben')] },
    ]);
    for (const { messageType, senderUserId, body } of await history()) {
      expect([messageType, senderUserId]).toEqual(['SYSTEM', null]);
      expect(body).toMatch(/^The conversation was \w+\.$/);
    }
  });

  it('is unread to everybody but whoever made it', async () => {
    await update(ann, 'ARCHIVED');
    const unread = async (client: HttpClient): Promise<number> =>
      (await client.run('query ($id: ID!) { thread(id: $id) { unreadCount } }', { id: threadId }))
        .thread.unreadCount;
    expect([await unread(ann), await unread(ben)]).toEqual([0, 1]);
    await update(platform, 'ACTIVE');
    expect([await unread(ann), await unread(ben)]).toEqual([1, 2]);
  });

  it('to what it is already changes nothing and tells nobody', async () => {
    await update(ann, 'BLOCKED');
    const before = await history();
    expect(await update(ben, 'BLOCKED')).toMatchObject({ blockedBy: { id: 'ann' } });
    expect(await update(ann, 'BLOCKED')).toMatchObject({ status: 'BLOCKED' });
    expect(await history()).toEqual(before);
  });

  it('asked for by all at once happens once', async () => {
    await Promise.all(
      [ann, ben, ann, ben, platform].map((client) => setStatus(client, threadId, 'ARCHIVED')),
    );
    expect((await history()).map(({ systemEvent }) => systemEvent.code)).toEqual([
      'thread.archived',
    ]);
  });

  it('is in the audit where a service or an admin made it', async () => {
    await update(ann, 'ARCHIVED');
    await update(platform, 'ACTIVE');
    await update(admin, 'BLOCKED', 'Scam');
    const { rows } = await app
      .get(Database)
      .pool.query(
        'SELECT actor_id, action, details FROM audit_entries WHERE thread_id = $1 ORDER BY id',
        [threadId],
      );
    expect(rows.slice(1)).toEqual([
      { actor_id: 'platform', action: 'thread.reopened', details: { from: 'ARCHIVED' } },
      { actor_id: 'root', action: 'thread.blocked', details: { from: 'ACTIVE', reason: 'Scam' } },
    ]);
  });

  it('may be made by a companion too, and not by who is gone', async () => {
    await addParticipant(app, threadId, 'cat');
    await update(app.as('cat'), 'BLOCKED');
    expect(await ann.refusal(UPDATE, to('ACTIVE'))).toBe('FORBIDDEN');
    await platform.run(
      'mutation ($input: RemoveParticipantInput!) { removeParticipant(input: $input) { thread { id } } }',
      { input: { threadId, userId: 'cat' } },
    );
    expect(await app.as('cat').refusal(UPDATE, to('ACTIVE'))).toBe('NOT_FOUND');
    await update(admin, 'ACTIVE');
  });
});
