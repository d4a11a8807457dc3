import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Database } from '../src/database/database.js';
import { NotifierRepository } from '../src/notifications/notifier.repository.js';
import type { TestApp } from './support/app.js';
import { startApp } from './support/app.js';
import {
  addParticipant,
  deleteMessage,
  markRead,
  openThread,
  removeParticipant,
  send,
} from './support/seeds.js';

/** Makes notifications only for whoever asks for theirs. */
let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

/** A tourist's thread with a guide and a friend, who has been told of one message. */
async function tellFriend(): Promise<{
  tourist: string;
  friend: string;
  threadId: string;
  messageId: string;
}> {
  const tourist = `t-${randomUUID()}`;
  const friend = `m-${randomUUID()}`;
  const { id: threadId } = await openThread(app, { tourist, guide: `g-${randomUUID()}` });
  await addParticipant(app, threadId, friend);
  const { id: messageId } = await send(app.as(tourist), threadId);
  expect(await feedOf(friend)).toEqual([{ count: 1, readAt: null }]);
  return { tourist, friend, threadId, messageId };
}

const feedOf = async (person: string): Promise<{ count: number; readAt: string | null }[]> =>
  (await app.as(person).run('{ notifications { nodes { count readAt } } }')).notifications.nodes;

describe('what somebody was told of before they left', () => {
  it('may be deleted when they are back', async () => {
    const { tourist, friend, threadId, messageId } = await tellFriend();
    await removeParticipant(app, threadId, friend);
    expect(await feedOf(friend)).toEqual([]);
    await addParticipant(app, threadId, friend);
    await deleteMessage(app.as(tourist), messageId);
    expect(await feedOf(friend)).toEqual([]);
    await send(app.as(tourist), threadId);
    expect(await feedOf(friend)).toEqual([{ count: 1, readAt: null }]);
  });

  it('may be deleted right before they leave', async () => {
    const { tourist, friend, threadId, messageId } = await tellFriend();
    await deleteMessage(app.as(tourist), messageId);
    await removeParticipant(app, threadId, friend);
    expect(await feedOf(friend)).toEqual([]);
    await addParticipant(app, threadId, friend);
    await send(app.as(tourist), threadId);
    expect(await feedOf(friend)).toEqual([{ count: 1, readAt: null }]);
  });
});

describe('what is older than the retention', () => {
  /** Looks a day ahead, where everything of today is old. */
  const prune = async (): Promise<void> => {
    while ((await app.get(NotifierRepository).prune(-1)) > 0);
  };
  const rowsOf = async (person: string): Promise<number> => {
    const { rows } = await app.get(Database).pool.query<{ count: number }>(
      `SELECT (SELECT count(*) FROM notifications WHERE user_id = $1)
            + (SELECT count(*) FROM notification_deliveries WHERE user_id = $1) AS count`,
      [person],
    );
    return rows[0]!.count;
  };
  const countUpTwoDaysAhead = (person: string): Promise<unknown> =>
    app
      .get(Database)
      .pool.query(
        `UPDATE notifications SET updated_at = updated_at + interval '2 days' WHERE user_id = $1`,
        [person],
      );

  it('is remembered as long as a younger notification counts it', async () => {
    const { tourist, friend, threadId, messageId } = await tellFriend();
    const later = await send(app.as(tourist), threadId);
    expect(await feedOf(friend)).toEqual([{ count: 2, readAt: null }]);
    await countUpTwoDaysAhead(friend);
    await prune();
    await markRead(app.as(friend), threadId, 1);
    expect(await feedOf(friend)).toEqual([{ count: 1, readAt: null }]);
    await prune();
    await deleteMessage(app.as(tourist), messageId);
    await deleteMessage(app.as(tourist), later.id);
    expect(await feedOf(friend)).toEqual([]);
  });

  it('goes with its notification', async () => {
    const { friend } = await tellFriend();
    expect(await rowsOf(friend)).toBe(2);
    await prune();
    expect(await rowsOf(friend)).toBe(0);
  });
});

describe('a count that is too low, whatever has made it so', () => {
  it('stops nobody from being told what comes', async () => {
    const { tourist, friend, threadId, messageId } = await tellFriend();
    await app
      .get(Database)
      .pool.query('UPDATE notifications SET count = 0 WHERE user_id = $1', [friend]);
    await deleteMessage(app.as(tourist), messageId);
    expect(await feedOf(friend)).toEqual([]);
    await send(app.as(tourist), threadId);
    expect(await feedOf(friend)).toEqual([{ count: 1, readAt: null }]);
  });
});
