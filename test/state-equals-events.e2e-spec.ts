import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildSchema } from 'graphql';
import type { TestApp } from './support/app.js';
import { startApp } from './support/app.js';
import type { ClientState } from './support/client-state.js';
import { apply, EVENTS, fetchState } from './support/client-state.js';
import type { TokenClaims } from './support/app.js';
import { ADMIN, openThread, PLATFORM } from './support/seeds.js';
import type { Subscription } from './support/socket-client.js';

/** Mutations of what is not in this state: passing signals, and the notifications' own feed. */
const ELSEWHERE = /[Tt]yping|[Nn]otification/;

interface Watcher {
  readonly userId: string;
  readonly stream: Subscription;
  readonly state: ClientState;
}

describe('old state + events = fresh state', () => {
  let app: TestApp;
  let threadId: string;
  let watchers: Watcher[];
  const tried = new Set<string>();
  const sent: string[] = [];

  beforeAll(async () => {
    app = await startApp();
    ({ id: threadId } = await openThread(app));
    await openThread(app, { tourist: 'max', guide: 'gus' });
    watchers = [];
    for (const userId of ['ann', 'ben', 'max']) {
      const state = await fetchState(app.as(userId));
      const stream = (await app.socket(userId)).start(EVENTS, { after: state.cursor });
      await stream.next();
      watchers.push({ userId, stream, state });
    }
  });
  afterAll(() => app.stop());

  /** Runs a mutation as somebody, lets every device apply its events, and compares with a fresh fetch. */
  const act = async (
    name: string,
    input: object,
    userId: string,
    claims?: TokenClaims,
    selection = '{ __typename }',
  ): Promise<any> => {
    tried.add(name);
    const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input!`;
    const data = await app
      .as(userId, claims)
      .run(`mutation ($input: ${type}) { ${name}(input: $input) ${selection} }`, { input });
    for (const watcher of watchers) {
      const client = app.as(watcher.userId);
      const fresh = await fetchState(client);
      while (watcher.state.cursor !== fresh.cursor)
        await apply(watcher.state, (await watcher.stream.next()).inboxEvents, client);
      expect(watcher.state).toEqual(fresh);
    }
    return data[name];
  };
  const say = async (
    userId: string,
    content: object = { body: `From ${userId}` },
  ): Promise<string> => {
    const { message } = await act(
      'sendMessage',
      { threadId, clientMessageId: randomUUID(), ...content },
      userId,
      undefined,
      '{ message { id } }',
    );
    sent.push(message.id);
    return message.id;
  };

  it('holds for messages of every type, replies, edits and deletions', async () => {
    const first = await say('ann');
    await say('ben', { body: 'An answer', replyToMessageId: first });
    await say('ann', {
      messageType: 'LOCATION',
      location: { latitude: 40.4, longitude: -3.7, label: 'Here' },
    });
    await say('ann', { messageType: 'IMAGE', body: 'https://pictures.example/1.png' });
    await act('editMessage', { messageId: first, body: 'Edited' }, 'ann');
    await act('deleteMessage', { messageId: first }, 'ann');
    await act(
      'sendSystemMessage',
      {
        threadId,
        body: 'Booked.',
        code: 'trip.booked',
        params: [{ key: 'trip', value: '1' }],
        clientMessageId: 's1',
      },
      'platform',
      PLATFORM,
    );
  });

  it('holds for system messages that name somebody, and for those that are deleted', async () => {
    const params = [{ key: 'by', value: 'ann' }];
    const told = { threadId, body: 'Late.', code: 'trip.late', params, clientMessageId: 's2' };
    await act('sendSystemMessage', told, 'platform', PLATFORM);
    await act('markThreadRead', { threadId }, 'ben');
    await act('updateThreadStatus', { threadId, status: 'ARCHIVED' }, 'ann');
    await act('updateThreadStatus', { threadId, status: 'ACTIVE' }, 'ann');
    const { thread } = await app
      .as('ann')
      .run('query ($id: ID!) { thread(id: $id) { lastMessage { id } } }', { id: threadId });
    await act('deleteMessage', { messageId: thread.lastMessage.id }, 'moderator', ADMIN);
    await act('markThreadRead', { threadId }, 'ben');
  });

  it('holds for receiving and reading, in part and whole', async () => {
    await act('markDelivered', { threads: [{ threadId, upToSequence: 3 }] }, 'ben');
    await act('markMessageRead', { messageId: sent[2] }, 'ben');
    await act('markThreadRead', { threadId, upToSequence: 4 }, 'ben');
    await act('markThreadRead', { threadId }, 'ann');
    await act('markThreadRead', { threadId }, 'ben');
  });

  it('holds for somebody who joins, reads, says something and is removed', async () => {
    await act('addParticipant', { threadId, userId: 'max', role: 'MEMBER' }, 'platform', PLATFORM);
    await say('ann');
    await act('markThreadRead', { threadId }, 'ben');
    await act('markThreadRead', { threadId }, 'max');
    await say('max');
    await say('ben');
    await act('markDelivered', { threads: [{ threadId, upToSequence: 100 }] }, 'max');
    await act('deleteMessage', { messageId: sent.at(-1) }, 'moderator', ADMIN);
    await say('ben');
    await act('removeParticipant', { threadId, userId: 'max' }, 'platform', PLATFORM);
    await act('markThreadRead', { threadId }, 'ann');
    await act('addParticipant', { threadId, userId: 'max', role: 'SUPPORT' }, 'platform', PLATFORM);
    await say('ann');
  });

  it('holds for whoever was away while a reader left, and while one left and came back', async () => {
    const replayed = async (work: () => Promise<unknown>): Promise<void> => {
      const client = app.as('ann');
      const state = await fetchState(client);
      await work();
      const fresh = await fetchState(client);
      const replay = (await app.socket('ann')).start(EVENTS, { after: state.cursor });
      await replay.next();
      while (state.cursor !== fresh.cursor)
        await apply(state, (await replay.next()).inboxEvents, client);
      expect(state).toEqual(fresh);
    };
    const leave = (): Promise<unknown> =>
      act('removeParticipant', { threadId, userId: 'max' }, 'platform', PLATFORM);
    const join = (): Promise<unknown> =>
      act('addParticipant', { threadId, userId: 'max', role: 'SUPPORT' }, 'platform', PLATFORM);
    await act('markThreadRead', { threadId }, 'max');
    await replayed(async () => {
      await leave();
      await join();
    });
    await say('ann');
    await replayed(async () => {
      await act('markThreadRead', { threadId }, 'max');
      await leave();
    });
    await join();
  });

  it('holds for a new thread, its status and the viewer’s switches', async () => {
    await act('openThread', { touristId: 'ann', guideId: 'ben', tripId: 'rome' }, 'ann');
    await act('muteThread', { threadId, until: '2030-01-01T00:00:00Z' }, 'ben');
    await act('muteThread', { threadId, until: null }, 'ben');
    for (const status of ['ARCHIVED', 'ACTIVE', 'BLOCKED', 'ACTIVE'])
      await act('updateThreadStatus', { threadId, status, reason: 'for a test' }, 'ann');
  });

  it('holds for people whose names change', async () => {
    await act(
      'upsertUsers',
      {
        users: [
          { id: 'ann', displayName: 'Ann Other' },
          { id: 'max', displayName: 'Max' },
        ],
      },
      'platform',
      PLATFORM,
    );
    await act(
      'upsertUsers',
      { users: [{ id: 'ben', avatarUrl: 'https://pictures.example/ben.png' }] },
      'platform',
      PLATFORM,
    );
  });

  it('holds for a thread that is deleted', async () => {
    await say('ann');
    await act('deleteThread', { threadId }, 'platform', PLATFORM);
  });

  it('has been tried for every mutation there is', () => {
    const schema = buildSchema(readFileSync('src/schema.graphql', 'utf8'));
    const all = Object.keys(schema.getMutationType()?.getFields() ?? {});
    expect([...tried].sort()).toEqual(all.filter((name) => !ELSEWHERE.test(name)).sort());
  });
});
