import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Database } from '../src/database/database.js';
import type { TestApp } from './support/app.js';
import { startApp } from './support/app.js';
import type { HttpClient } from './support/http-client.js';
import {
  ADMIN,
  addParticipant,
  markRead,
  openThread,
  PLATFORM,
  send,
  sendMany,
} from './support/seeds.js';

const SEND = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message {
  id sequence body messageType senderUserId location { latitude longitude label } replyTo { id body deletedAt } thread { lastSequence }
} } }`;
const SYSTEM = `mutation ($input: SendSystemMessageInput!) { sendSystemMessage(input: $input) { message {
  id body messageType senderUserId sender { id } systemEvent { code params { key value } }
} } }`;
const EDIT = `mutation ($input: EditMessageInput!) { editMessage(input: $input) { message { body sequence editedAt sentAt } } }`;
const DELETE = `mutation ($input: DeleteMessageInput!) { deleteMessage(input: $input) { message {
  id sequence body senderUserId sentAt deletedAt location { label } systemEvent { code } } } }`;
const VERSIONS = `query ($id: ID!) { message(id: $id) { body versions { body replacedAt replacedBy { id } } } }`;

let app: TestApp;
let ann: HttpClient;
let ben: HttpClient;
let eve: HttpClient;
let platform: HttpClient;
let admin: HttpClient;
let threadId: string;

beforeAll(async () => {
  app = await startApp();
  [ann, ben, eve] = [app.as('ann'), app.as('ben'), app.as('eve')];
  [platform, admin] = [app.as('platform', PLATFORM), app.as('root', ADMIN)];
});
beforeEach(async () => {
  ({ id: threadId } = await openThread(app, { trip: randomUUID() }));
});
afterAll(() => app.stop());

const input = (fields: object = {}): object => ({
  input: { threadId, body: 'Hello', clientMessageId: randomUUID(), ...fields },
});
const edit = async (client: HttpClient, messageId: string, body: string): Promise<any> =>
  (await client.run(EDIT, { input: { messageId, body } })).editMessage.message;
const remove = async (client: HttpClient, messageId: string): Promise<any> =>
  (await client.run(DELETE, { input: { messageId } })).deleteMessage.message;
const unread = async (client: HttpClient): Promise<number[]> => {
  const { thread, viewer } = await client.run(
    'query ($id: ID!) { thread(id: $id) { unreadCount } viewer { unreadMessageCount } }',
    { id: threadId },
  );
  return [thread.unreadCount, viewer.unreadMessageCount];
};
const audit = async (): Promise<any[]> =>
  (
    await app.get(Database).pool.query(
      `SELECT actor_id, action, message_id, user_id, details FROM audit_entries
       WHERE thread_id = $1 AND action LIKE 'message.%' ORDER BY id`,
      [threadId],
    )
  ).rows;

describe('the messages of a thread', () => {
  it('are numbered without gaps and repeats, in the order of ids and times, however many write at once', async () => {
    await Promise.all(
      Array.from({ length: 40 }, (_, at) => send(at % 2 === 0 ? ann : ben, threadId, `${at}`)),
    );
    const { thread } = await ann.run(
      'query ($id: ID!) { thread(id: $id) { lastSequence lastMessage { sequence } messages { nodes { id sequence sentAt } } } }',
      { id: threadId },
    );
    const { nodes } = thread.messages;
    expect(nodes.map(({ sequence }: any) => sequence)).toEqual(
      Array.from({ length: 40 }, (_, at) => at + 1),
    );
    for (const key of ['id', 'sentAt']) {
      const values = nodes.map((node: any) => node[key]);
      expect(values).toEqual([...values].sort());
    }
    expect(thread).toMatchObject({ lastSequence: 40, lastMessage: { sequence: 40 } });
  });

  it('are texts, pictures, files and places', async () => {
    const sent = async (fields: object): Promise<any> =>
      (await ann.run(SEND, input(fields))).sendMessage.message;
    expect(await sent({})).toMatchObject({
      messageType: 'TEXT',
      body: 'Hello',
      location: null,
      senderUserId: 'ann',
    });
    expect(await sent({ messageType: 'IMAGE', body: 'https://example.com/a.png' })).toMatchObject({
      messageType: 'IMAGE',
    });
    expect(await sent({ messageType: 'FILE', body: 'upload/17' })).toMatchObject({
      messageType: 'FILE',
      body: 'upload/17',
    });
    const location = { latitude: 40.4168, longitude: -3.7038, label: 'Puerta del Sol' };
    expect(await sent({ messageType: 'LOCATION', body: null, location })).toMatchObject({
      body: '',
      location,
    });
    expect(await sent({ messageType: 'LOCATION', body: ' ', location })).toMatchObject({
      body: ' ',
      location,
    });
    const label = '🗺'.repeat(200);
    const labelled = { messageType: 'LOCATION', location: { ...location, label } };
    expect((await sent(labelled)).location.label).toBe(label);
    const picture = `https://example.com/${'🗺'.repeat(2_028)}`;
    expect((await sent({ messageType: 'IMAGE', body: picture })).body).toBe(picture);
    expect(await ann.refusal(SEND, input({ messageType: 'IMAGE', body: `${picture}🗺` }))).toBe(
      'MESSAGE_TOO_LONG',
    );
    for (const fields of [
      { messageType: 'SYSTEM' },
      { messageType: 'LOCATION', location: { ...location, label: `${label}🗺` } },
      { location },
      { messageType: 'LOCATION' },
      { messageType: 'FILE', body: 'javascript:alert(1)' },
    ])
      expect([fields, await ann.refusal(SEND, input(fields))]).toEqual([fields, 'BAD_USER_INPUT']);
  });
});

describe('an answer', () => {
  it('points at a message of the same thread, and shows the tombstone of a deleted one', async () => {
    const { id } = await send(ben, threadId, 'Where?');
    const { sendMessage } = await ann.run(SEND, input({ replyToMessageId: id }));
    expect(sendMessage.message.replyTo).toEqual({ id, body: 'Where?', deletedAt: null });
    await remove(ben, id);
    const { message } = await ann.run(
      'query ($id: ID!) { message(id: $id) { replyTo { id body deletedAt } } }',
      {
        id: sendMessage.message.id,
      },
    );
    expect(message.replyTo).toMatchObject({ id, body: '' });
    expect(message.replyTo.deletedAt).not.toBeNull();
  });

  it('to a message of another thread, or to none, is NOT_FOUND and stores nothing', async () => {
    const { id: other } = await openThread(app, { trip: randomUUID() });
    const foreign = await openThread(app, { tourist: 'zoe', guide: 'yan', trip: randomUUID() });
    for (const replyToMessageId of [
      (await send(ann, other)).id,
      (await send(app.as('zoe'), foreign.id)).id,
      randomUUID(),
    ])
      expect(await ann.refusal(SEND, input({ replyToMessageId }))).toBe('NOT_FOUND');
    expect((await send(ann, threadId)).sequence).toBe(1);
  });
});

describe('an edited message', () => {
  it('keeps its place, says when, and keeps what it said for moderation', async () => {
    const [first] = await sendMany(ann, threadId, 2);
    const { id } = first!;
    expect(await edit(ann, id, 'one')).toMatchObject({ body: 'one', sequence: 1 });
    const { editedAt } = await edit(ann, id, 'ONE');
    expect(await edit(ann, id, 'ONE')).toMatchObject({ editedAt });
    for (const client of [platform, admin]) {
      const { message } = await client.run(VERSIONS, { id });
      expect(message).toMatchObject({
        body: 'ONE',
        versions: [
          { body: '1', replacedBy: { id: 'ann' } },
          { body: 'one', replacedAt: editedAt, replacedBy: { id: 'ann' } },
        ],
      });
    }
    for (const client of [ann, ben])
      expect(await client.refusal(VERSIONS, { id })).toBe('FORBIDDEN');
    expect(await eve.refusal(VERSIONS, { id })).toBe('NOT_FOUND');
  });

  it('is one’s own text; everything else is refused and stays as it was', async () => {
    const { id } = await send(ann, threadId, 'mine');
    const refusals = async (...clients: HttpClient[]): Promise<string[]> =>
      Promise.all(
        clients.map((client) => client.refusal(EDIT, { input: { messageId: id, body: 'other' } })),
      );
    expect(await refusals(ben, eve, platform, admin)).toEqual([
      'FORBIDDEN',
      'NOT_FOUND',
      'FORBIDDEN',
      'FORBIDDEN',
    ]);
    expect((await ann.run(VERSIONS.replace(/versions.*/, '} }'), { id })).message.body).toBe(
      'mine',
    );

    const picture = await ann.run(
      SEND,
      input({ messageType: 'IMAGE', body: 'https://example.com/a.png' }),
    );
    const messageId = picture.sendMessage.message.id;
    expect(await ann.refusal(EDIT, { input: { messageId, body: 'other' } })).toBe('BAD_USER_INPUT');
    expect(await ann.refusal(EDIT, { input: { messageId: id, body: ' ' } })).toBe('BAD_USER_INPUT');
    expect(await ann.refusal(EDIT, { input: { messageId: id, body: 'x'.repeat(4_001) } })).toBe(
      'MESSAGE_TOO_LONG',
    );
    await remove(ann, id);
    expect(await ann.refusal(EDIT, { input: { messageId: id, body: 'back' } })).toBe('CONFLICT');
  });

  it('by two devices at once keeps both versions', async () => {
    const { id } = await send(ann, threadId, '0');
    await Promise.all(['1', '2', '3', '4', '5'].map((body) => edit(ann, id, body)));
    const { message } = await admin.run(VERSIONS, { id });
    expect([...message.versions.map(({ body }: any) => body), message.body].sort()).toEqual([
      '0',
      '1',
      '2',
      '3',
      '4',
      '5',
    ]);
  });
});

describe('a deleted message', () => {
  it('leaves a tombstone, the unread counts and its text to moderation', async () => {
    const place = { latitude: 1, longitude: 2, label: 'here' };
    const { sendMessage } = await ann.run(
      SEND,
      input({ messageType: 'LOCATION', body: 'Here', location: place }),
    );
    const { id } = sendMessage.message;
    await send(ann, threadId);
    const [before, total] = await unread(ben);
    expect(before).toBe(2);
    const tombstone = await remove(ann, id);
    expect(tombstone).toMatchObject({
      id,
      sequence: 1,
      body: '',
      senderUserId: 'ann',
      location: null,
    });
    expect(tombstone.deletedAt).not.toBeNull();
    expect(await unread(ben)).toEqual([1, total! - 1]);
    expect((await remove(ann, id)).deletedAt).toBe(tombstone.deletedAt);
    expect(await unread(ben)).toEqual([1, total! - 1]);
    expect((await admin.run(VERSIONS, { id })).message.versions).toMatchObject([
      { body: 'Here', replacedBy: { id: 'ann' } },
    ]);
    expect((await send(ben, threadId)).sequence).toBe(3);
  });

  it('leaves all that it said to those who settle disputes', async () => {
    const location = { latitude: 41.4, longitude: 2.1, label: 'The bridge' };
    const systemEvent = { code: 'trip.late', params: [{ key: 'minutes', value: '20' }] };
    const place = await ann.run(SEND, input({ messageType: 'LOCATION', body: null, location }));
    const event = await platform.run(SYSTEM, input(systemEvent));
    const said = async (id: string): Promise<any> =>
      (
        await admin.run(
          `query ($id: ID!) { message(id: $id) { versions {
             body location { latitude longitude label } systemEvent { code params { key value } }
           } } }`,
          { id },
        )
      ).message.versions;
    const [placeId, eventId] = [place.sendMessage.message.id, event.sendSystemMessage.message.id];
    await remove(ann, placeId);
    await remove(platform, eventId);
    expect(await said(placeId)).toEqual([{ body: '', location, systemEvent: null }]);
    expect(await said(eventId)).toEqual([{ body: 'Hello', location: null, systemEvent }]);
  });

  it('that was read does not count once more', async () => {
    const { id } = await send(ann, threadId);
    await markRead(ben, threadId);
    const before = await unread(ben);
    await remove(ann, id);
    expect(await unread(ben)).toEqual(before);
  });

  it('is one’s own, or any for an admin, which is in the audit', async () => {
    const [first, second] = await sendMany(ann, threadId, 2);
    const refusals = (...clients: HttpClient[]): Promise<string[]> =>
      Promise.all(
        clients.map((client) => client.refusal(DELETE, { input: { messageId: first!.id } })),
      );
    expect(await refusals(ben, eve, platform)).toEqual(['FORBIDDEN', 'NOT_FOUND', 'FORBIDDEN']);
    await remove(admin, first!.id);
    await remove(admin, first!.id);
    await remove(ann, second!.id);
    expect(await audit()).toEqual([
      {
        actor_id: 'root',
        action: 'message.deleted',
        message_id: first!.id,
        user_id: 'ann',
        details: {},
      },
    ]);
    expect((await admin.run(VERSIONS, { id: first!.id })).message.versions).toMatchObject([
      { body: '1', replacedBy: { id: 'root' } },
    ]);
  });

  it('is not deleted by who has left', async () => {
    await addParticipant(app, threadId, 'cat');
    const { id } = await send(app.as('cat'), threadId);
    await platform.run(
      'mutation ($input: RemoveParticipantInput!) { removeParticipant(input: $input) { thread { id } } }',
      {
        input: { threadId, userId: 'cat' },
      },
    );
    expect(await app.as('cat').refusal(DELETE, { input: { messageId: id } })).toBe('NOT_FOUND');
    expect(await app.as('cat').refusal(EDIT, { input: { messageId: id, body: 'other' } })).toBe(
      'NOT_FOUND',
    );
  });
});

describe('a system message', () => {
  const params = [
    { key: 'amount', value: '120 €' },
    { key: 'trip', value: 'Madrid' },
  ];

  it('comes from a service with its code and params, and from nobody else', async () => {
    const fields = { body: 'Paid: 120 €', code: 'booking.paid', params };
    const { sendSystemMessage } = await platform.run(SYSTEM, input(fields));
    expect(sendSystemMessage.message).toMatchObject({
      body: 'Paid: 120 €',
      messageType: 'SYSTEM',
      senderUserId: null,
      sender: null,
      systemEvent: { code: 'booking.paid', params },
    });
    const { message } = await ben.run(
      'query ($id: ID!) { message(id: $id) { body sender { id } systemEvent { code params { key value } } } }',
      { id: sendSystemMessage.message.id },
    );
    expect(message).toEqual({
      body: 'Paid: 120 €',
      sender: null,
      systemEvent: { code: 'booking.paid', params },
    });
    expect((await unread(ann))[0]).toBe(1);
    expect((await unread(ben))[0]).toBe(1);
    const refusals = await Promise.all(
      [ann, eve, admin].map((client) => client.refusal(SYSTEM, input(fields))),
    );
    expect(refusals).toEqual(['FORBIDDEN', 'NOT_FOUND', 'FORBIDDEN']);
    expect(await audit()).toEqual([
      {
        actor_id: 'platform',
        action: 'message.sent',
        message_id: sendSystemMessage.message.id,
        user_id: null,
        details: { code: 'booking.paid' },
      },
    ]);
  });

  it('is deleted by its service or an admin, and edited by nobody', async () => {
    const { sendSystemMessage } = await platform.run(SYSTEM, input({ code: 'oops', params }));
    const { id } = sendSystemMessage.message;
    for (const client of [ann, platform, admin])
      expect(await client.refusal(EDIT, { input: { messageId: id, body: 'other' } })).toBe(
        'FORBIDDEN',
      );
    for (const client of [ann, app.as('billing', PLATFORM)])
      expect(await client.refusal(DELETE, { input: { messageId: id } })).toBe('FORBIDDEN');
    expect(await remove(platform, id)).toMatchObject({ body: '', systemEvent: null });
    expect((await audit()).map(({ action, actor_id }) => [action, actor_id])).toEqual([
      ['message.sent', 'platform'],
      ['message.deleted', 'platform'],
    ]);
  });

  it('of a status is not its maker’s to delete', async () => {
    await ann.run(
      'mutation ($input: UpdateThreadStatusInput!) { updateThreadStatus(input: $input) { thread { id } } }',
      {
        input: { threadId, status: 'ARCHIVED' },
      },
    );
    const { thread } = await ann.run(
      'query ($id: ID!) { thread(id: $id) { lastMessage { id } } }',
      { id: threadId },
    );
    expect(await ann.refusal(DELETE, { input: { messageId: thread.lastMessage.id } })).toBe(
      'FORBIDDEN',
    );
  });
});
