import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Database } from '../src/database/database.js';
import type { TestApp } from './support/app.js';
import { startApp } from './support/app.js';
import type { HttpClient } from './support/http-client.js';
import type { Runner } from './support/seeds.js';
import { addParticipant, markRead, openThread, PLATFORM, send, sendMany } from './support/seeds.js';
import type { Subscription } from './support/socket-client.js';

const MARK_DELIVERED = `mutation ($input: MarkDeliveredInput!) {
  markDelivered(input: $input) { threads { id participants { lastDeliveredSequence user { id } } } }
}`;
const EVENTS = `subscription ($after: String) { messageRead(after: $after) {
  receipt upToSequence readAt reader { id } upToMessage { sequence } thread { id unreadCount }
  unreadMessageCount unreadThreadCount
} }`;

let app: TestApp;
let ann: HttpClient;
let ben: HttpClient;
let threadId: string;

beforeAll(async () => {
  app = await startApp();
  [ann, ben] = [app.as('ann'), app.as('ben')];
});
beforeEach(async () => {
  ({ id: threadId } = await openThread(app, { trip: randomUUID() }));
});
afterAll(() => app.stop());

const deliver = (client: Runner, upToSequence: number): Promise<unknown> =>
  client.run(MARK_DELIVERED, { input: { threads: [{ threadId, upToSequence }] } });

/** Receipts from now on. */
async function watch(sub: string): Promise<Subscription> {
  const socket = await app.socket(sub);
  const { viewer } = await socket.run('{ viewer { cursor } }');
  return socket.start(EVENTS, { after: viewer.cursor });
}

/** What the sender sees of each message. */
async function ticks(client: Runner): Promise<any[]> {
  const { thread } = await client.run(
    `query ($id: ID!) { thread(id: $id) { messages { nodes {
       sequence status readAt readBy { readAt user { id } } } } } }`,
    { id: threadId },
  );
  return thread.messages.nodes;
}
const statuses = async (client: Runner): Promise<string[]> =>
  (await ticks(client)).map(({ status }) => status);

async function participant(userId: string): Promise<any> {
  const { thread } = await ann.run(
    `query ($id: ID!) { thread(id: $id) { participants {
       lastReadSequence lastReadAt lastDeliveredSequence joinedSequence user { id } } } }`,
    { id: threadId },
  );
  return thread.participants.find(({ user }: any) => user.id === userId);
}

describe('a message of two people', () => {
  it('is SENT, DELIVERED and READ, with the instant of reading', async () => {
    await sendMany(ann, threadId, 3);
    expect(await statuses(ann)).toEqual(['SENT', 'SENT', 'SENT']);
    await deliver(ben, 2);
    expect(await statuses(ann)).toEqual(['DELIVERED', 'DELIVERED', 'SENT']);
    expect(await markRead(ben, threadId, 1)).toBe(1);
    expect(await statuses(ann)).toEqual(['READ', 'DELIVERED', 'SENT']);
    await markRead(ben, threadId, 2);
    await markRead(ben, threadId);

    const messages = await ticks(ann);
    expect(messages.map(({ status }) => status)).toEqual(['READ', 'READ', 'READ']);
    const { rows } = await app
      .get(Database)
      .pool.query<{ read_at: string }>(
        'SELECT read_at FROM read_receipts WHERE thread_id = $1 ORDER BY up_to_sequence',
        [threadId],
      );
    expect(rows).toHaveLength(3);
    rows.forEach(({ read_at }, at) => {
      const readAt = new Date(read_at).toISOString();
      expect(messages[at].readAt).toBe(readAt);
      expect(messages[at].readBy).toEqual([{ readAt, user: { id: 'ben' } }]);
    });
  });

  it('has one instant of reading with all that were read together', async () => {
    await sendMany(ann, threadId, 3);
    await markRead(ben, threadId, 2);
    const [first, second, third] = await ticks(ann);
    expect(first.readAt).not.toBeNull();
    expect(second.readAt).toBe(first.readAt);
    expect(third.readAt).toBeNull();
    await markRead(ben, threadId);
    expect((await ticks(ann))[0].readAt).toBe(first.readAt);
  });

  it('was read when the marker first passed it, whichever messages are asked for together', async () => {
    const { id: other } = await openThread(app, { trip: randomUUID() });
    const sent = await sendMany(ann, threadId, 40);
    const [elsewhere] = await sendMany(ann, other, 1);
    await markRead(ben, other);
    const instants: string[] = [];
    for (const upTo of [2, 3, 20, 21, 36]) {
      await markRead(ben, threadId, upTo);
      const { lastReadAt } = await participant('ben');
      while (instants.length < upTo) instants.push(lastReadAt);
    }

    const expected = (sequence: number): string | null => instants[sequence - 1] ?? null;
    const { thread } = await ann.run(
      `query ($id: ID!) { thread(id: $id) {
         newest: messages(last: 22) { nodes { sequence readAt } }
         oldest: messages(first: 4) { nodes { sequence readAt } }
       } }`,
      { id: threadId },
    );
    const inOneStatement = await ann.run(
      `query ($filter: MessageFilter!) {
         newest: messages(filter: $filter, last: 22) { nodes { sequence readAt } }
         oldest: messages(filter: $filter, first: 4) { nodes { sequence readAt } }
       }`,
      { filter: { threadId } },
    );
    for (const { newest, oldest } of [thread, inOneStatement]) {
      expect([newest.nodes.length, oldest.nodes.length]).toEqual([22, 4]);
      for (const { sequence, readAt } of [...newest.nodes, ...oldest.nodes])
        expect([sequence, readAt]).toEqual([sequence, expected(sequence)]);
    }

    const apart = [40, 1, 37, 12, 20, 21].map((sequence) => sent[sequence - 1]!.id);
    const alone = await ann.run(
      `{ ${[...apart, elsewhere!.id]
        .map((id, at) => `m${at}: message(id: "${id}") { sequence readAt thread { id } }`)
        .join(' ')} }`,
    );
    for (const { sequence, readAt, thread: where } of Object.values<any>(alone)) {
      if (where.id === threadId) expect([sequence, readAt]).toEqual([sequence, expected(sequence)]);
      else expect(readAt).not.toBeNull();
    }
  });

  it('is never unread to its sender, nor does sending read what others sent', async () => {
    await send(ben, threadId);
    await send(ann, threadId);
    const unread = async (client: Runner): Promise<number> =>
      (await client.run('query ($id: ID!) { thread(id: $id) { unreadCount } }', { id: threadId }))
        .thread.unreadCount;
    expect(await unread(ann)).toBe(1);
    expect(await unread(ben)).toBe(1);
    expect((await participant('ann')).lastReadSequence).toBe(0);
  });
});

describe('a message of more people', () => {
  it('is READ when the last of the others has read it, and says who has and when', async () => {
    await addParticipant(app, threadId, 'cat');
    await send(ann, threadId);
    await markRead(ben, threadId);
    let [message] = await ticks(ann);
    expect(message).toMatchObject({
      status: 'SENT',
      readAt: null,
      readBy: [{ user: { id: 'ben' } }],
    });
    await deliver(app.as('cat'), 1);
    expect(await statuses(ann)).toEqual(['DELIVERED']);
    await markRead(app.as('cat'), threadId);
    [message] = await ticks(ann);
    expect(message.status).toBe('READ');
    expect(message.readBy.map(({ user }: any) => user.id)).toEqual(['ben', 'cat']);
    expect(message.readAt).toBe(message.readBy[1].readAt);
  });

  it('does not wait for who joined after it, nor for who has left', async () => {
    await send(ann, threadId);
    await addParticipant(app, threadId, 'cat');
    expect(await participant('cat')).toMatchObject({ joinedSequence: 1, lastReadSequence: 1 });
    await markRead(ben, threadId);
    expect(await ticks(ann)).toMatchObject([{ status: 'READ', readBy: [{ user: { id: 'ben' } }] }]);
    await send(ann, threadId);
    await markRead(ben, threadId);
    expect(await statuses(ann)).toEqual(['READ', 'SENT']);
    await app
      .as('platform', PLATFORM)
      .run(
        'mutation ($input: RemoveParticipantInput!) { removeParticipant(input: $input) { thread { id } } }',
        {
          input: { threadId, userId: 'cat' },
        },
      );
    expect(await statuses(ann)).toEqual(['READ', 'READ']);
  });

  it('is not read for whoever comes back and has not read it', async () => {
    const remove = (): Promise<unknown> =>
      app
        .as('platform', PLATFORM)
        .run(
          'mutation ($input: RemoveParticipantInput!) { removeParticipant(input: $input) { thread { id } } }',
          {
            input: { threadId, userId: 'cat' },
          },
        );
    await addParticipant(app, threadId, 'cat');
    await send(ann, threadId);
    await markRead(app.as('cat'), threadId);
    await remove();
    await addParticipant(app, threadId, 'cat');
    await send(ann, threadId);
    expect(await markRead(app.as('cat'), threadId)).toBe(1);
    await markRead(ben, threadId);
    expect(await ticks(ann)).toMatchObject([
      { readBy: [{ user: { id: 'ben' } }] },
      { readBy: [{ user: { id: 'cat' } }, { user: { id: 'ben' } }] },
    ]);
  });
});

describe('a marker', () => {
  it('only moves forward, and what changes nothing is told to nobody', async () => {
    await sendMany(ann, threadId, 3);
    await markRead(ben, threadId, 2);
    const { lastReadAt } = await participant('ben');
    const journal = async (): Promise<number> =>
      Number(
        (
          await app
            .get(Database)
            .pool.query('SELECT position FROM inboxes WHERE user_id = $1', ['ann'])
        ).rows[0].position,
      );
    const before = await journal();
    expect(await markRead(ben, threadId, 1)).toBe(0);
    expect(await markRead(ben, threadId, 2)).toBe(0);
    await deliver(ben, 1);
    expect(await journal()).toBe(before);
    expect(await participant('ben')).toMatchObject({
      lastReadSequence: 2,
      lastDeliveredSequence: 2,
      lastReadAt,
    });
    expect(await markRead(ben, threadId, 3)).toBe(1);
    expect(await journal()).toBe(before + 1);
  });

  it('stays within the thread, however far a client asks', async () => {
    await sendMany(ann, threadId, 2);
    await deliver(ben, 1_000);
    expect(await participant('ben')).toMatchObject({
      lastDeliveredSequence: 2,
      lastReadSequence: 0,
    });
    expect(await markRead(ben, threadId, 1_000)).toBe(2);
    expect(await participant('ben')).toMatchObject({ lastReadSequence: 2 });
    await send(ann, threadId);
    expect(await statuses(ann)).toEqual(['READ', 'READ', 'SENT']);
  });

  it('counts only what was unread: others’ messages that are still there', async () => {
    await send(ann, threadId);
    const { id } = await send(ann, threadId);
    await send(ben, threadId);
    await send(ann, threadId);
    await ann.run(
      'mutation ($input: DeleteMessageInput!) { deleteMessage(input: $input) { message { id } } }',
      { input: { messageId: id } },
    );
    await sendMany(ann, threadId, 3);
    expect(await markRead(ben, threadId, 3)).toBe(1);
    expect(await markRead(ben, threadId, 6)).toBe(3);
    expect(await markRead(ben, threadId)).toBe(1);
  });

  it('moves by a message as by its sequence', async () => {
    const [, second] = await sendMany(ann, threadId, 3);
    const { markMessageRead } = await ben.run(
      'mutation ($input: MarkMessageReadInput!) { markMessageRead(input: $input) { markedCount thread { unreadCount } } }',
      { input: { messageId: second!.id } },
    );
    expect(markMessageRead).toEqual({ markedCount: 2, thread: { unreadCount: 1 } });
  });

  it('of one person is moved by both of two at once, and counts once', async () => {
    await sendMany(ann, threadId, 5);
    const marked = await Promise.all(
      [1, 2, 3, 4, 5, 5, 4, 3].map((upTo) => markRead(ben, threadId, upTo)),
    );
    expect(marked.reduce((sum, count) => sum + count, 0)).toBe(5);
    expect(await participant('ben')).toMatchObject({ lastReadSequence: 5 });
  });
});

describe('a receipt', () => {
  it('reaches the sender and the reader’s own devices, with their own totals', async () => {
    await sendMany(ann, threadId, 3);
    const [sender, device] = [await watch('ann'), await watch('ben')];
    const { viewer } = await ben.run('{ viewer { unreadMessageCount unreadThreadCount } }');
    await markRead(ben, threadId, 2);
    const [toSender, toDevice] = [await sender.next(), await device.next()];
    expect(toSender.messageRead).toMatchObject({
      receipt: 'READ',
      upToSequence: 2,
      reader: { id: 'ben' },
      upToMessage: { sequence: 2 },
      thread: { id: threadId, unreadCount: 0 },
    });
    expect(toDevice.messageRead).toMatchObject({
      upToSequence: 2,
      reader: { id: 'ben' },
      thread: { id: threadId, unreadCount: 1 },
      unreadMessageCount: viewer.unreadMessageCount - 2,
      unreadThreadCount: viewer.unreadThreadCount,
    });
    const [message] = await ticks(ann);
    expect(toSender.messageRead.readAt).toBe(message.readAt);

    await deliver(ben, 3);
    expect((await sender.next()).messageRead).toMatchObject({
      receipt: 'DELIVERED',
      upToSequence: 3,
    });
    expect((await device.next()).messageRead).toMatchObject({
      receipt: 'DELIVERED',
      upToSequence: 3,
    });
  });

  it('of 5,000 messages is one small write and one event', async () => {
    const { pool } = app.get(Database);
    for (let from = 0; from < 5_000; from += 100)
      await pool.query(
        `SELECT send_messages(array_agg($1::uuid), array_agg('ann'::text), array_agg('TEXT'::message_type), array_agg('Hello'::text), NULL,
           array_agg('bulk-' || n ORDER BY n), NULL, NULL)
         FROM generate_series($2::integer + 1, $2 + 100) AS n`,
        [threadId, from],
      );
    const [sender, device] = [await watch('ann'), await watch('ben')];
    const size = async (): Promise<unknown> =>
      (
        await pool.query(
          `SELECT (SELECT count(*) FROM read_receipts WHERE thread_id = $1)::integer AS receipts,
             (SELECT count(*) FROM inbox_entries WHERE thread_id = $1 AND kind = 'MESSAGE_READ')::integer AS entries`,
          [threadId],
        )
      ).rows[0];
    expect(await size()).toEqual({ receipts: 0, entries: 0 });
    const versions = await pool.query(
      'SELECT max(xmin::text::bigint) AS newest FROM messages WHERE thread_id = $1',
      [threadId],
    );
    expect(await markRead(ben, threadId)).toBe(5_000);
    expect(await size()).toEqual({ receipts: 1, entries: 2 });
    expect(
      (
        await pool.query(
          'SELECT max(xmin::text::bigint) AS newest FROM messages WHERE thread_id = $1',
          [threadId],
        )
      ).rows,
    ).toEqual(versions.rows);

    expect((await sender.next()).messageRead.upToSequence).toBe(5_000);
    expect((await device.next()).messageRead.thread.unreadCount).toBe(0);
    // What comes next is of the next message: there was one event.
    await send(ann, threadId);
    await markRead(ben, threadId);
    expect((await sender.next()).messageRead.upToSequence).toBe(5_001);
    expect((await device.next()).messageRead.upToSequence).toBe(5_001);
  });

  it('is given for several threads at once, all or none', async () => {
    const { id: second } = await openThread(app, { trip: randomUUID() });
    const foreign = await openThread(app, { tourist: 'eve', guide: 'zoe', trip: randomUUID() });
    await send(ann, threadId);
    await send(ann, second);
    const move = (...ids: string[]): object => ({
      input: { threads: ids.map((id) => ({ threadId: id, upToSequence: 1 })) },
    });
    expect(await ben.refusal(MARK_DELIVERED, move(threadId, foreign.id, second))).toBe('NOT_FOUND');
    expect(await statuses(ann)).toEqual(['SENT']);
    const { markDelivered } = await ben.run(MARK_DELIVERED, move(second, threadId, second));
    expect(markDelivered.threads.map(({ id }: any) => id)).toEqual([second, threadId, second]);
    expect(await statuses(ann)).toEqual(['DELIVERED']);
    expect(await ben.refusal(MARK_DELIVERED, { input: { threads: [] } })).toBe('BAD_USER_INPUT');
  });

  it('never blocks another, whoever marks which threads in which order', async () => {
    const others = await Promise.all([1, 2, 3].map(() => openThread(app, { trip: randomUUID() })));
    const ids = [threadId, ...others.map(({ id }) => id)];
    for (const id of ids) await sendMany(ann, id, 8);
    await Promise.all(
      [1, 2, 3, 4, 5, 6, 7, 8].flatMap((upToSequence) =>
        [ann, ben].map((client, at) =>
          client.run(MARK_DELIVERED, {
            input: {
              threads: (at === 0 ? ids : [...ids].reverse()).map((id) => ({
                threadId: id,
                upToSequence,
              })),
            },
          }),
        ),
      ),
    );
    expect(await participant('ben')).toMatchObject({ lastDeliveredSequence: 8 });
  });
});
