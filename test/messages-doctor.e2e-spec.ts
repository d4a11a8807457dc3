import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Difference } from '../src/health/doctor.js';
import { examine, findDifferences } from '../src/health/doctor.js';
import type { TestApp } from './support/app.js';
import { startApp } from './support/app.js';
import { markRead, openThread, send, sendMany } from './support/seeds.js';

let app: TestApp;

beforeAll(async () => {
  app = await startApp();
  const { id } = await openThread(app);
  await sendMany(app.as('ann'), id, 3);
  await markRead(app.as('ben'), id, 2);
  await app.as('ben').run('{ viewer { unreadNotificationCount } }');
});
afterAll(() => app.stop());

const checksOf = async (differences: AsyncIterable<Difference>): Promise<string[]> => {
  const checks = [];
  for await (const { check } of differences) checks.push(check);
  return checks;
};
const findings = (): Promise<string[]> => checksOf(findDifferences(app.databaseUrl));

/** What the doctor finds after a change that is taken back. */
async function findingsAfter(change: string): Promise<string[]> {
  const client = new Client({ connectionString: app.databaseUrl });
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query(change);
    return await checksOf(examine(client));
  } finally {
    await client.end();
  }
}

describe('the doctor', () => {
  it.each([
    [
      'a counter of a participant',
      `UPDATE participants SET unread_count = unread_count + 1 WHERE user_id = 'ann'`,
      ['unread count, markers and activity of a participant', 'unread totals of a person'],
    ],
    [
      'a marker',
      `UPDATE participants SET last_read_sequence = 1 WHERE user_id = 'ben'`,
      ['unread count, markers and activity of a participant'],
    ],
    [
      'a marker beyond the end',
      `UPDATE participants SET last_delivered_sequence = 9 WHERE user_id = 'ann'`,
      ['markers of a participant between joining and the end of the thread'],
    ],
    [
      'a total of a person',
      `UPDATE inboxes SET unread_message_count = 7 WHERE user_id = 'ben'`,
      ['unread totals of a person', 'totals of the newest entry of a journal'],
    ],
    [
      'a sequence of a thread',
      'UPDATE threads SET last_sequence = 9',
      ['sequence, last message and activity of a thread'],
    ],
    [
      'what a thread says was said last',
      `UPDATE threads SET last_message_body = 'something else'`,
      ['last message as its thread repeats it'],
    ],
    [
      'a last message that was changed past its thread',
      `UPDATE messages SET body = 'something else' WHERE sequence = 3`,
      ['last message as its thread repeats it'],
    ],
    [
      'a hole in a thread',
      'DELETE FROM messages WHERE sequence = 2',
      ['sequence, last message and activity of a thread'],
    ],
    [
      'the order of messages',
      `UPDATE messages SET sent_at = sent_at - interval '1 hour' WHERE sequence = 2`,
      ['order of messages by sequence, id and time'],
    ],
    [
      'an answer to another thread',
      'UPDATE messages SET reply_to_id = gen_random_uuid() WHERE sequence = 2',
      ['thread of a message and of what it answers'],
    ],
    [
      'a tombstone that speaks',
      `UPDATE messages SET deleted_at = sent_at WHERE sequence = 1`,
      ['tombstones and versions of messages'],
    ],
    [
      'a block by nobody',
      `UPDATE threads SET status = 'BLOCKED'`,
      ['people and block of a thread'],
    ],
    [
      'a tourist who is not there',
      `UPDATE participants SET role = 'MEMBER' WHERE user_id = 'ann'`,
      ['people and block of a thread'],
    ],
    [
      'a hole in a journal',
      `DELETE FROM inbox_entries WHERE user_id = 'ann' AND position = 2`,
      ['positions of a journal'],
    ],
    [
      'the head of a journal',
      `UPDATE inboxes SET position = position + 1 WHERE user_id = 'ann'`,
      ['positions of a journal'],
    ],
    [
      'the totals of an entry',
      `UPDATE inbox_entries SET unread_message_count = 5 WHERE user_id = 'ann'`,
      ['totals of the newest entry of a journal'],
    ],
    [
      'a count of a notification',
      'UPDATE notifications SET count = count + 1',
      ['count of a notification'],
    ],
    [
      'what a notification counts without saying so',
      'UPDATE notifications SET count = 0',
      ['count of a notification'],
    ],
    [
      'what no notification counts any more',
      'UPDATE notification_deliveries SET is_counted = false',
      ['count of a notification'],
    ],
  ])('finds %s', async (_what, tamper, checks) => {
    expect(await findings()).toEqual([]);
    expect(await findingsAfter(tamper)).toEqual(expect.arrayContaining(checks));
  });

  it('finds nothing while everybody writes, for it looks at one moment', async () => {
    const { id } = await openThread(app, { trip: randomUUID() });
    const traffic = Promise.all(
      Array.from({ length: 60 }, (_, at) =>
        at % 3 === 2 ? markRead(app.as('ben'), id) : send(app.as(at % 2 === 0 ? 'ann' : 'ben'), id),
      ),
    );
    for (let look = 0; look < 5; look++) expect(await findings()).toEqual([]);
    await traffic;
    expect(await findings()).toEqual([]);
  });
});
