import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { TestApp } from './support/app.js';
import { startApp } from './support/app.js';
import {
  addParticipant,
  ADMIN,
  deleteMessage,
  markRead,
  openThread,
  PLATFORM,
  send,
  sendMany,
} from './support/seeds.js';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

const PREFERENCES = `notificationPreferences {
  channels { channel enabled types } quietHours { from until } timeZone mailDelayMinutes
}`;
const UPDATE = `mutation ($input: UpdateNotificationPreferencesInput!) {
  updateNotificationPreferences(input: $input) { viewer { ${PREFERENCES} } }
}`;

const preferencesOf = async (person: string): Promise<unknown> =>
  (await app.as(person).run(`{ viewer { ${PREFERENCES} } }`)).viewer.notificationPreferences;

const update = async (person: string, input: unknown): Promise<unknown> =>
  (await app.as(person).run(UPDATE, { input })).updateNotificationPreferences.viewer
    .notificationPreferences;

const feedOf = async (person: string): Promise<{ type: string; count: number }[]> =>
  (
    await app
      .as(person)
      .run(
        '{ notifications(unread: true) { nodes { type count actor { id } message { sequence } } } }',
      )
  ).notifications.nodes;

const traceOf = async (person: string, messageId: string, claims = {}): Promise<unknown> =>
  (
    await app
      .as(person, claims)
      .run(
        'query ($id: ID!) { notificationTrace(messageId: $id) { userId channel type outcome reason dueAt } }',
        { id: messageId },
      )
  ).notificationTrace;

const DEFAULTS = {
  channels: [
    {
      channel: 'IN_APP',
      enabled: true,
      types: ['NEW_MESSAGE', 'SYSTEM_MESSAGE', 'THREAD_STATUS_CHANGED'],
    },
    { channel: 'MAIL', enabled: true, types: ['NEW_MESSAGE', 'SYSTEM_MESSAGE'] },
  ],
  quietHours: null,
  timeZone: 'UTC',
  mailDelayMinutes: 10,
};

async function pair(): Promise<{ tourist: string; guide: string; threadId: string }> {
  const tourist = `t-${randomUUID()}`;
  const guide = `g-${randomUUID()}`;
  return { tourist, guide, threadId: (await openThread(app, { tourist, guide })).id };
}

describe('preferences', () => {
  it('have defaults, change only what is said, and go back to them', async () => {
    const person = randomUUID();
    expect(await preferencesOf(person)).toEqual(DEFAULTS);
    await app
      .as('platform', PLATFORM)
      .run('mutation ($input: UpsertUsersInput!) { upsertUsers(input: $input) { users { id } } }', {
        input: { users: [{ id: person, timeZone: 'Europe/Madrid' }] },
      });
    const quietHours = { from: '22:00', until: '08:30' };
    const expected = { ...DEFAULTS, quietHours, timeZone: 'Europe/Madrid', mailDelayMinutes: 0 };
    expect(await update(person, { quietHours, mailDelayMinutes: 0 })).toEqual(expected);
    const mail = { channel: 'MAIL', enabled: false, types: ['NEW_MESSAGE', 'SYSTEM_MESSAGE'] };
    expect(await update(person, { channels: [{ channel: 'MAIL', enabled: false }] })).toEqual({
      ...expected,
      channels: [DEFAULTS.channels[0], mail],
    });
    const types = ['THREAD_STATUS_CHANGED'];
    expect(await update(person, { channels: [{ channel: 'MAIL', types }] })).toEqual({
      ...expected,
      channels: [DEFAULTS.channels[0], { ...mail, types }],
    });
    expect(await update(person, { quietHours: null, mailDelayMinutes: null })).toMatchObject({
      quietHours: null,
      mailDelayMinutes: 10,
    });
    expect(await preferencesOf(randomUUID())).toEqual(DEFAULTS);
  });

  it.each([
    ['a time that is none', { quietHours: { from: '24:00', until: '08:00' } }],
    ['hours without length', { quietHours: { from: '08:00', until: '08:00' } }],
    ['a negative delay', { mailDelayMinutes: -1 }],
    ['a delay of more than a day', { mailDelayMinutes: 1_441 }],
    ['a channel twice', { channels: [{ channel: 'MAIL' }, { channel: 'MAIL', enabled: true }] }],
    ['receipts by mail', { channels: [{ channel: 'MAIL', types: ['MESSAGE_READ'] }] }],
    ['a channel that is none', { channels: [{ channel: 'PIGEON' }] }],
  ])('refuse %s', async (_, input) => {
    expect(await app.as('ann').refusal(UPDATE, { input })).toBe('BAD_USER_INPUT');
    expect(await preferencesOf('ann')).toEqual(DEFAULTS);
  });

  it('belong to people, not to services', async () => {
    const service = app.as('platform', PLATFORM);
    expect(await service.refusal(UPDATE, { input: {} })).toBe('FORBIDDEN');
    expect(await service.refusal(`{ viewer { ${PREFERENCES} } }`)).toBe('FORBIDDEN');
  });

  it('decide what the feed tells', async () => {
    const { tourist, guide, threadId } = await pair();
    await update(guide, { channels: [{ channel: 'IN_APP', types: ['SYSTEM_MESSAGE'] }] });
    const message = await send(app.as(tourist), threadId);
    expect(await feedOf(guide)).toEqual([]);
    expect(await traceOf(guide, message.id)).toEqual([
      {
        userId: guide,
        channel: 'IN_APP',
        type: 'NEW_MESSAGE',
        outcome: 'SUPPRESSED',
        reason: 'PREFERENCE',
        dueAt: null,
      },
    ]);
    await update(guide, {
      channels: [{ channel: 'IN_APP', types: ['NEW_MESSAGE'], enabled: false }],
    });
    await send(app.as(tourist), threadId);
    expect(await feedOf(guide)).toEqual([]);
    await update(guide, { channels: [{ channel: 'IN_APP', enabled: true }] });
    await send(app.as(tourist), threadId);
    expect(await feedOf(guide)).toMatchObject([{ type: 'NEW_MESSAGE', count: 1 }]);
  });
});

describe('receipts', () => {
  it('are told only to the sender who asks, each message once, and are over when they have looked', async () => {
    const { tourist, guide, threadId } = await pair();
    await sendMany(app.as(tourist), threadId, 2);
    await markRead(app.as(guide), threadId);
    expect(await feedOf(tourist)).toEqual([]);
    await update(tourist, {
      channels: [{ channel: 'IN_APP', types: ['NEW_MESSAGE', 'MESSAGE_READ'] }],
    });
    await sendMany(app.as(tourist), threadId, 3);
    const friend = `m-${randomUUID()}`;
    await addParticipant(app, threadId, friend);
    await send(app.as(tourist), threadId);
    await markRead(app.as(guide), threadId, 4);
    expect(await feedOf(tourist)).toEqual([
      { type: 'MESSAGE_READ', count: 2, actor: { id: guide }, message: { sequence: 4 } },
    ]);
    await markRead(app.as(guide), threadId);
    await markRead(app.as(friend), threadId);
    expect(await feedOf(tourist)).toMatchObject([
      { type: 'MESSAGE_READ', count: 4, message: { sequence: 6 } },
    ]);
    await markRead(app.as(tourist), threadId);
    expect(await feedOf(tourist)).toEqual([]);
    await send(app.as(guide), threadId);
    await send(app.as(tourist), threadId);
    await markRead(app.as(guide), threadId);
    expect(await feedOf(tourist)).toMatchObject([
      { type: 'MESSAGE_READ', count: 1, message: { sequence: 8 } },
      { type: 'NEW_MESSAGE', count: 1 },
    ]);
  });
});

describe('notificationTrace', () => {
  it('tells a person about themself, and a service or an admin about all', async () => {
    const { tourist, guide, threadId } = await pair();
    const friend = `a-${randomUUID()}`;
    await addParticipant(app, threadId, friend);
    const message = await send(app.as(tourist), threadId);
    const sent = {
      channel: 'IN_APP',
      type: 'NEW_MESSAGE',
      outcome: 'SENT',
      reason: null,
      dueAt: null,
    };
    expect(await traceOf(guide, message.id)).toEqual([{ userId: guide, ...sent }]);
    expect(await traceOf(tourist, message.id)).toEqual([]);
    await feedOf(friend);
    const all = [
      { userId: friend, ...sent },
      { userId: guide, ...sent },
    ];
    expect(await traceOf('root', message.id, ADMIN)).toEqual(all);
    expect(await traceOf('platform', message.id, PLATFORM)).toEqual(all);
    const stranger = app.as(randomUUID());
    expect(
      await stranger.refusal('query ($id: ID!) { notificationTrace(messageId: $id) { outcome } }', {
        id: message.id,
      }),
    ).toBe('NOT_FOUND');
    await deleteMessage(app.as(tourist), message.id);
    expect(await traceOf(guide, message.id)).toEqual([
      { userId: guide, ...sent, outcome: 'WITHDRAWN', reason: 'DELETED' },
    ]);
  });

  it('says why nothing was told', async () => {
    const { tourist, guide, threadId } = await pair();
    await app
      .as(guide)
      .run('mutation ($input: MuteThreadInput!) { muteThread(input: $input) { thread { id } } }', {
        input: { threadId, until: '2100-01-01T00:00:00Z' },
      });
    const muted = await send(app.as(tourist), threadId);
    const read = await send(app.as(tourist), threadId);
    await markRead(app.as(guide), threadId);
    expect(await traceOf(guide, read.id)).toMatchObject([
      { outcome: 'SUPPRESSED', reason: 'READ' },
    ]);
    expect(await traceOf(guide, muted.id)).toMatchObject([{ outcome: 'SUPPRESSED' }]);
  });
});
