import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { TestApp } from './support/app.js';
import { startApp, until } from './support/app.js';
import { send } from './support/seeds.js';
import { ShiftedClock } from './support/smtp-clock.js';
import { seedPair, untilMail } from './support/smtp-people.js';
import { MailServer } from './support/smtp-server.js';

const clock = new ShiftedClock();
const server = new MailServer();
let app: TestApp;
let client: pg.Client;

beforeAll(async () => {
  await server.listen();
  app = await startApp({
    NOTIFIER: 'true',
    NOTIFIER_SWEEP_MS: '100',
    SMTP_URL: server.url,
    MAIL_FROM: 'no-reply@market.example',
    PUBLIC_URL: 'https://chat.market.example',
  });
  client = new pg.Client({ connectionString: app.databaseUrl });
  await client.connect();
  clock.start();
});
afterEach(() => {
  server.onRecipient = () => undefined;
});
afterAll(async () => {
  await client.end();
  await app.stop();
  await server.close();
  clock.stop();
});

async function waitingMail(): Promise<{ guide: string; email: string; messageId: string }> {
  const { tourist, guide, email, threadId } = await seedPair(app);
  const { id } = await send(app.as(tourist), threadId, 'precious');
  await untilMail(app, guide, id, 'WAITING');
  return { guide, email, messageId: id };
}

async function stateOf(person: string): Promise<string> {
  const { rows } = await client.query<{ state: string }>(
    'SELECT state FROM notification_mails WHERE user_id = $1',
    [person],
  );
  return rows[0]!.state;
}

/** The claims of a person's mails are as old as no conversation with a mail server becomes. */
const age = (person: string): Promise<unknown> =>
  client.query(
    `UPDATE notification_mails SET claimed_at = claimed_at - interval '1 hour' WHERE user_id = $1`,
    [person],
  );

describe('a claim', () => {
  it('that nobody knows of, though its node lives, is taken back', async () => {
    const { guide, email, messageId } = await waitingMail();
    // What the node does when the connection breaks before it has heard the answer.
    const { rows } = await client.query(
      `SELECT outcome FROM notification_mails m, pg_locks l, claim_mail(m.id, $2, l.objid::bigint::integer, $3)
       WHERE m.user_id = $1 AND l.locktype = 'advisory' AND notifier_node_lives(l.objid::bigint::integer)`,
      [guide, randomUUID(), new Date(Date.now() + 3_600_000)],
    );
    expect(rows).toEqual([{ outcome: 'SEND' }]);
    await age(guide);
    clock.forward(11);
    await untilMail(app, guide, messageId, 'SENT');
    expect(server.to(email)).toHaveLength(1);
  });

  it('that is taken back from somebody who is sending after all ends in one mail', async () => {
    const { guide, email, messageId } = await waitingMail();
    const { completed } = server;
    const asked = new Promise<void>((resolve) => {
      server.onRecipient = async () => {
        server.onRecipient = () => undefined;
        await age(guide);
        await until(async () => (await stateOf(guide)) === 'WAITING', 'it is taken back');
        resolve();
      };
    });
    clock.forward(11);
    await asked;
    await untilMail(app, guide, messageId, 'SENT');
    expect(server.to(email)).toHaveLength(1);
    expect(server.completed).toBe(completed + 1);
  });
});
