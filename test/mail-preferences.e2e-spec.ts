import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { TestApp } from './support/app.js';
import { startApp, until } from './support/app.js';
import { send } from './support/seeds.js';
import { ShiftedClock } from './support/smtp-clock.js';
import type { Pair } from './support/smtp-people.js';
import { mailTrace, prefer, seedPair, untilMail } from './support/smtp-people.js';
import { MailServer } from './support/smtp-server.js';

const clock = new ShiftedClock();
const server = new MailServer();
let app: TestApp;

beforeAll(async () => {
  await server.listen();
  app = await startApp({
    NOTIFIER: 'true',
    NOTIFIER_SWEEP_MS: '100',
    SMTP_URL: server.url,
    MAIL_FROM: 'no-reply@market.example',
    PUBLIC_URL: 'https://chat.market.example',
  });
  clock.start();
});
afterEach(() => {
  server.behaviour = 'accept';
});
afterAll(async () => {
  await app.stop();
  await server.close();
  clock.stop();
});

async function waitingMail(preferences: unknown = {}): Promise<Pair & { messageId: string }> {
  const people = await seedPair(app);
  await prefer(app, people.guide, preferences);
  const { id } = await send(app.as(people.tourist), people.threadId, 'hello');
  await untilMail(app, people.guide, id, 'WAITING');
  return { ...people, messageId: id };
}

async function dueAt(guide: string, messageId: string): Promise<number> {
  return Date.parse((await mailTrace(app, guide, messageId))?.dueAt ?? '');
}

describe('a mail that waits', () => {
  it('is sent at once when its person wants to wait no longer', async () => {
    const { guide, email, messageId } = await waitingMail({ mailDelayMinutes: 120 });
    clock.forward(11);
    await prefer(app, guide, { mailDelayMinutes: null });
    await untilMail(app, guide, messageId, 'SENT');
    expect(server.to(email)).toHaveLength(1);
  });

  it('waits as long as its person wants from now on, counted from when it began to', async () => {
    const { guide, email, messageId } = await waitingMail();
    const before = await dueAt(guide, messageId);
    clock.forward(5);
    await prefer(app, guide, { mailDelayMinutes: 120 });
    expect(await dueAt(guide, messageId)).toBe(before + 110 * 60_000);
    clock.forward(6);
    const other = await waitingMail({ mailDelayMinutes: 0 });
    await untilMail(app, other.guide, other.messageId, 'SENT');
    expect(server.to(email)).toEqual([]);
    clock.forward(110);
    await untilMail(app, guide, messageId, 'SENT');
  });

  it('for the end of quiet hours is sent at once when they are given up', async () => {
    clock.set('2027-11-15T23:00:00Z');
    const quietHours = { from: '22:00', until: '08:00' };
    const { guide, messageId } = await waitingMail({ quietHours, mailDelayMinutes: 0 });
    const morning = Date.parse('2027-11-16T08:00:00Z');
    await until(async () => (await dueAt(guide, messageId)) === morning, 'it is put off');
    await prefer(app, guide, { mailDelayMinutes: 1 });
    clock.forward(2);
    await until(async () => (await dueAt(guide, messageId)) === morning, 'it is put off again');
    await prefer(app, guide, { quietHours: null });
    await untilMail(app, guide, messageId, 'SENT');
  });

  it('for the mail server, which was busy, goes on doing so', async () => {
    server.behaviour = 'defer';
    const { guide, messageId } = await waitingMail({ mailDelayMinutes: 0 });
    await until(
      async () => (await dueAt(guide, messageId)) > Date.now() + 30_000,
      'it was tried in vain',
    );
    const before = await dueAt(guide, messageId);
    await prefer(app, guide, { mailDelayMinutes: 120 });
    expect(await dueAt(guide, messageId)).toBe(before);
  });
});
