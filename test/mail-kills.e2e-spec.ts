import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { TestApp } from './support/app.js';
import { SECRET, startApp, until } from './support/app.js';
import type { TestDatabase } from './support/database.js';
import { createDatabase } from './support/database.js';
import { send } from './support/seeds.js';
import { ShiftedClock } from './support/smtp-clock.js';
import { ended, spawnNode } from './support/smtp-node-process.js';
import type { MailTrace } from './support/smtp-people.js';
import { mailTrace, seedPair } from './support/smtp-people.js';
import { MailServer } from './support/smtp-server.js';

const PATIENCE_MS = 90_000;
const clock = new ShiftedClock();
const server = new MailServer();
let database: TestDatabase;
let client: pg.Client;
/** Holds a lock while the other one looks: what is seen of other sessions stays the same in a transaction. */
let holder: pg.Client;
let environment: Record<string, string>;
/** Serves, and makes nothing by itself. */
let serving: TestApp;

beforeAll(async () => {
  await server.listen();
  database = await createDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  holder = new pg.Client({ connectionString: database.url });
  await holder.connect();
  environment = {
    NODE_ENV: 'test',
    LOG_LEVEL: 'fatal',
    DATABASE_URL: database.url,
    JWT_SECRET: SECRET,
    NOTIFIER: 'true',
    NOTIFIER_SWEEP_MS: '100',
    NOTIFICATION_MAIL_DELAY_MINUTES: '0',
    SMTP_URL: server.url,
    MAIL_FROM: 'no-reply@market.example',
    PUBLIC_URL: 'https://chat.market.example',
  };
  serving = await startApp({ ...environment, NOTIFIER: 'false' }, database);
}, PATIENCE_MS);

afterAll(async () => {
  await serving.stop();
  await client.end();
  await holder.end();
  await server.close();
  await database.drop();
}, PATIENCE_MS);

interface Left {
  readonly mails: string[];
  readonly notifications: { count: number }[];
  readonly trace: MailTrace;
}

/** Lets another node finish what a dead one has left, and tells what came of it all. */
async function finish(guide: string, email: string, messageId: string): Promise<Left> {
  const survivor = await startApp(environment, database);
  // A job that a dead node had taken is given another after a while.
  clock.start();
  clock.forward(1);
  const left = (): Promise<pg.QueryResult<{ left: number }>> =>
    client.query(
      `SELECT count(*)::integer AS left FROM notification_mails WHERE state IN ('WAITING', 'CLAIMED', 'HANDED_OVER')`,
    );
  await until(
    async () =>
      (await mailTrace(survivor, guide, messageId)) !== undefined &&
      (await left()).rows[0]?.left === 0,
    'every mail has come to an end',
    30_000,
  );
  const { notifications } = await survivor.as(guide).run('{ notifications { nodes { count } } }');
  const trace = (await mailTrace(survivor, guide, messageId))!;
  await survivor.stop();
  clock.stop();
  return {
    mails: server.to(email).map(({ text }) => text),
    notifications: notifications.nodes,
    trace,
  };
}

async function begin(): Promise<{ guide: string; email: string; messageId: string }> {
  const { tourist, guide, email, threadId } = await seedPair(serving);
  const { id } = await send(serving.as(tourist), threadId, 'precious');
  return { guide, email, messageId: id };
}

describe('a node that is killed', () => {
  it.each([
    'before notify',
    'after notify',
    'before claim',
    'after claim',
    'before findContent',
    'after findContent',
    'before handOver',
    'before conclude',
    'after conclude',
  ])(
    '%s: there is one notification and one mail',
    async (place) => {
      const { guide, email, messageId } = await begin();
      expect(await ended(spawnNode(environment, place))).toBe('SIGKILL');
      const { mails, notifications, trace } = await finish(guide, email, messageId);
      expect(notifications).toEqual([{ count: 1 }]);
      expect(mails).toHaveLength(1);
      expect(mails[0]).toContain('precious');
      expect(trace.outcome).toBe('SENT');
    },
    PATIENCE_MS,
  );

  it(
    'while it talks to the mail server: one mail',
    async () => {
      const { guide, email, messageId } = await begin();
      const child = spawnNode(environment);
      server.onRecipient = () => {
        server.onRecipient = () => undefined;
        child.kill('SIGKILL');
      };
      expect(await ended(child)).toBe('SIGKILL');
      const { mails, trace } = await finish(guide, email, messageId);
      expect(mails).toHaveLength(1);
      expect(trace).toMatchObject({ outcome: 'SENT', reason: null });
    },
    PATIENCE_MS,
  );

  it(
    'when the mail server has the mail and has not answered: one mail, and the trace says what is known',
    async () => {
      const { guide, email, messageId } = await begin();
      const child = spawnNode(environment);
      server.onMail = () => {
        server.onMail = () => undefined;
        child.kill('SIGKILL');
      };
      expect(await ended(child)).toBe('SIGKILL');
      const { mails, trace } = await finish(guide, email, messageId);
      expect(mails).toHaveLength(1);
      expect(trace).toMatchObject({ outcome: 'SENT', reason: 'UNCONFIRMED' });
    },
    PATIENCE_MS,
  );

  it(
    'in the one instant that SMTP cannot close, between the commit and the last line: never two',
    async () => {
      const { guide, email, messageId } = await begin();
      expect(await ended(spawnNode(environment, 'after handOver'))).toBe('SIGKILL');
      const { mails, notifications, trace } = await finish(guide, email, messageId);
      expect(mails).toEqual([]);
      expect(notifications).toEqual([{ count: 1 }]);
      expect(trace).toMatchObject({ outcome: 'SENT', reason: 'UNCONFIRMED' });
    },
    PATIENCE_MS,
  );

  it(
    'inside the transaction that makes the notification: one notification and one mail',
    async () => {
      const { guide, email, messageId } = await begin();
      await holder.query('BEGIN');
      await holder.query('SELECT FROM inboxes WHERE user_id = $1 FOR UPDATE', [guide]);
      const child = spawnNode(environment);
      await until(
        async () =>
          (
            await client.query(
              `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
               AND query LIKE '%notify_people%'`,
            )
          ).rowCount === 1,
        'the notifier waits for the last lock of its transaction',
        30_000,
      );
      child.kill('SIGKILL');
      expect(await ended(child)).toBe('SIGKILL');
      await holder.query('ROLLBACK');
      const { mails, notifications } = await finish(guide, email, messageId);
      expect(notifications).toEqual([{ count: 1 }]);
      expect(mails).toHaveLength(1);
    },
    PATIENCE_MS,
  );

  it(
    'as PostgreSQL kills its transactions in the middle: one notification and one mail',
    async () => {
      const { guide, email, messageId } = await begin();
      await holder.query('BEGIN');
      await holder.query('SELECT FROM inboxes WHERE user_id = $1 FOR UPDATE', [guide]);
      const child = spawnNode(environment);
      let terminated = 0;
      await until(
        async () => {
          const { rowCount } = await client.query(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%notify_people%'`,
          );
          return (terminated += rowCount ?? 0) >= 3;
        },
        'three transactions have been killed',
        30_000,
      );
      await holder.query('ROLLBACK');
      const { mails, notifications } = await finish(guide, email, messageId);
      child.kill('SIGKILL');
      expect(await ended(child)).toBe('SIGKILL');
      expect(notifications).toEqual([{ count: 1 }]);
      expect(mails).toHaveLength(1);
    },
    PATIENCE_MS,
  );
});
