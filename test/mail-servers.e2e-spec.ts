import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { TestApp } from './support/app.js';
import { SECRET, startApp, until } from './support/app.js';
import type { TestDatabase } from './support/database.js';
import { createDatabase } from './support/database.js';
import { send } from './support/seeds.js';
import { ShiftedClock } from './support/smtp-clock.js';
import type { Pair } from './support/smtp-people.js';
import { mailTrace, prefer, seedPair, untilMail } from './support/smtp-people.js';
import type { Behaviour } from './support/smtp-server.js';
import { MailServer, startSilentServer } from './support/smtp-server.js';

const PATIENCE_MS = 60_000;
const clock = new ShiftedClock();
const server = new MailServer();
let database: TestDatabase;
let app: TestApp;

const environmentFor = (url: string): Record<string, string> => ({
  NOTIFIER: 'true',
  NOTIFIER_SWEEP_MS: '100',
  NOTIFICATION_MAIL_DELAY_MINUTES: '0',
  JWT_SECRET: SECRET,
  SMTP_URL: url,
  SMTP_TIMEOUT_SECONDS: '1',
  MAIL_FROM: 'no-reply@market.example',
  PUBLIC_URL: 'https://chat.market.example',
});

beforeAll(async () => {
  await server.listen();
  database = await createDatabase();
  app = await startApp(environmentFor(server.url), database);
});
afterEach(() => {
  clock.stop();
  server.behaviour = 'accept';
});
afterAll(async () => {
  await app.stop();
  await server.close();
  await database.drop();
});

async function sendTo(behaviour: Behaviour): Promise<Pair & { messageId: string }> {
  server.behaviour = behaviour;
  const people = await seedPair(app);
  const { id } = await send(app.as(people.tourist), people.threadId, 'hello');
  return { ...people, messageId: id };
}

/** Minutes from now until the mail is tried again. */
async function pauseOf(guide: string, messageId: string): Promise<number> {
  const trace = await mailTrace(app, guide, messageId);
  return trace?.dueAt == null ? 0 : Math.round((Date.parse(trace.dueAt) - Date.now()) / 60_000);
}

describe('a mail server that', () => {
  it.each(['bounce', 'refuse'] as const)(
    'will never take it (%s) is not asked again',
    async (how) => {
      const { guide, email, messageId } = await sendTo(how);
      await untilMail(app, guide, messageId, 'FAILED', 'BOUNCED');
      server.behaviour = 'accept';
      const { attempts } = server;
      clock.start();
      clock.forward(24 * 60);
      const next = await sendTo('accept');
      await untilMail(app, next.guide, next.messageId, 'SENT');
      expect(server.attempts).toBe(attempts + 1);
      expect(await mailTrace(app, guide, messageId)).toMatchObject({ outcome: 'FAILED' });
      expect(server.received.filter(({ to }) => to.includes(email)).length).toBeLessThanOrEqual(
        how === 'refuse' ? 1 : 0,
      );
    },
  );

  it('is busy is asked again after longer and longer pauses, with what has come since', async () => {
    clock.start();
    const { tourist, guide, email, threadId, messageId } = await sendTo('defer');
    for (const minutes of [1, 2, 4]) {
      await until(
        async () => (await pauseOf(guide, messageId)) === minutes,
        `it is tried again after ${minutes} minutes`,
      );
      clock.forward(minutes);
    }
    await until(async () => (await pauseOf(guide, messageId)) === 8, 'four attempts were made');
    const second = await send(app.as(tourist), threadId, 'are you there?');
    await untilMail(app, guide, second.id, 'WAITING');
    server.behaviour = 'accept';
    clock.forward(9);
    await untilMail(app, guide, messageId, 'SENT');
    await untilMail(app, guide, second.id, 'SENT');
    expect(server.to(email).map(({ headers }) => headers.get('subject'))).toEqual([
      '2 new messages from Tara',
    ]);
  });

  it('stays busy fails what was tried 20 times, and not what has come meanwhile', async () => {
    clock.start();
    const before = server.attempts;
    const { tourist, guide, email, threadId, messageId } = await sendTo('defer');
    for (let times = 1; times < 20; times++) {
      await until(
        async () => server.attempts === before + times && (await pauseOf(guide, messageId)) > 0,
        `it was tried ${times} times`,
      );
      if (times < 19) clock.forward(60);
    }
    const second = await send(app.as(tourist), threadId, 'are you there?');
    await untilMail(app, guide, second.id, 'WAITING');
    clock.forward(60);
    await untilMail(app, guide, messageId, 'FAILED', 'GAVE_UP');
    server.behaviour = 'accept';
    clock.forward(2);
    await untilMail(app, guide, second.id, 'SENT');
    expect(server.to(email).map(({ headers }) => headers.get('subject'))).toEqual([
      'New message from Tara',
    ]);
  });

  it.each([
    ['falls silent in between', 'hang-in-between'],
    ['has the whole mail and closes with a 421', 'close'],
  ] as const)('%s is left, and asked again', async (_what, behaviour) => {
    clock.start();
    const { guide, email, messageId } = await sendTo(behaviour);
    await until(async () => (await pauseOf(guide, messageId)) === 1, 'it is given up for now');
    server.behaviour = 'accept';
    clock.forward(2);
    await untilMail(app, guide, messageId, 'SENT');
    expect(server.to(email)).toHaveLength(1);
  });

  it(
    'takes the mail and falls silent is never given it again',
    async () => {
      const { guide, email, messageId } = await sendTo('hang-after-mail');
      await until(
        async () => (await mailTrace(app, guide, messageId))?.reason === 'UNCONFIRMED',
        'the answer is given up',
        30_000,
      );
      server.behaviour = 'accept';
      clock.start();
      clock.forward(24 * 60);
      const next = await sendTo('accept');
      await untilMail(app, next.guide, next.messageId, 'SENT');
      expect(server.to(email)).toHaveLength(1);
      expect(await mailTrace(app, guide, messageId)).toMatchObject({ outcome: 'SENT' });
    },
    PATIENCE_MS,
  );
});

describe('a node', () => {
  it(
    'that meets a server without a word goes on with everything else, and stops in time',
    async () => {
      const silent = await startSilentServer();
      const own = await createDatabase();
      const deaf = await startApp(environmentFor(silent.url), own);
      const { tourist, guide, threadId } = await seedPair(deaf);
      const { id } = await send(deaf.as(tourist), threadId);
      await untilMail(deaf, guide, id, 'WAITING');
      await until(
        async () =>
          Date.parse((await mailTrace(deaf, guide, id))?.dueAt ?? '') > Date.now() + 30_000,
        'the attempt was given up',
      );
      const begin = performance.now();
      await deaf.stop();
      expect(performance.now() - begin).toBeLessThan(7_000);
      await silent.close();
      await own.drop();
    },
    PATIENCE_MS,
  );

  it(
    'that is stopped in the middle of a mail leaves it to another, which sends it once',
    async () => {
      const own = await createDatabase();
      server.behaviour = 'hang-in-between';
      const first = await startApp(
        { ...environmentFor(server.url), SMTP_TIMEOUT_SECONDS: '60' },
        own,
      );
      const { tourist, guide, email, threadId } = await seedPair(first);
      const asked = new Promise<void>((resolve) => (server.onRecipient = resolve));
      const { id } = await send(first.as(tourist), threadId);
      await asked;
      server.onRecipient = () => undefined;
      await first.stop();
      server.behaviour = 'accept';
      const second = await startApp(environmentFor(server.url), own);
      await untilMail(second, guide, id, 'SENT');
      expect(server.to(email)).toHaveLength(1);
      await second.stop();
      await own.drop();
    },
    PATIENCE_MS,
  );

  it(
    'shares the work with others: every mail comes once',
    async () => {
      const other = await startApp(environmentFor(server.url), database);
      const pairs = await Promise.all(Array.from({ length: 30 }, () => seedPair(app)));
      await prefer(app, pairs[0]!.guide, { mailDelayMinutes: 0 });
      const sent = await Promise.all(
        pairs.map(({ tourist, threadId }, place) =>
          send((place % 2 === 0 ? app : other).as(tourist), threadId),
        ),
      );
      for (const [place, { guide }] of pairs.entries())
        await untilMail(app, guide, sent[place]!.id, 'SENT');
      expect(pairs.map(({ email }) => server.to(email).length)).toEqual(pairs.map(() => 1));
      await other.stop();
    },
    PATIENCE_MS,
  );
});
