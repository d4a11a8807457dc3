import { expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Client, escapeIdentifier } from 'pg';
import { SECRET, startApp, until } from './support/app.js';
import { createDatabase } from './support/database.js';
import { send } from './support/seeds.js';
import { seedPair, untilMail } from './support/smtp-people.js';
import { MailServer } from './support/smtp-server.js';

/** As many mails as a node sends at a time. */
const AT_A_TIME = 3;

it('goes on sending mails when the database did not hear that the ones before were sent', async () => {
  const said: unknown[] = [];
  const server = new MailServer();
  await server.listen();
  const database = await createDatabase();
  const operator = new Client({ connectionString: new URL('/postgres', database.url).href });
  await operator.connect();
  const app = await startApp(
    {
      NOTIFIER: 'true',
      NOTIFIER_SWEEP_MS: '100',
      NOTIFICATION_MAIL_DELAY_MINUTES: '0',
      JWT_SECRET: SECRET,
      SMTP_URL: server.url,
      MAIL_FROM: 'no-reply@market.example',
      PUBLIC_URL: 'https://chat.market.example',
    },
    database,
  );
  Logger.overrideLogger({
    log: () => undefined,
    warn: () => undefined,
    error: (message: unknown) => void said.push(message),
  });
  const allowConnections = async (isAllowed: boolean): Promise<void> => {
    const name = new URL(database.url).pathname.slice(1);
    await operator.query(
      `ALTER DATABASE ${escapeIdentifier(name)} ALLOW_CONNECTIONS ${String(isAllowed)}`,
    );
    await operator.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = $1 AND application_name = 'parley (jobs)'`,
      [name],
    );
  };
  try {
    let answer: () => void = () => undefined;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    server.onMail = () => answered;
    for (let count = 0; count < AT_A_TIME; count++) {
      const { tourist, threadId } = await seedPair(app);
      await send(app.as(tourist), threadId);
    }
    await until(() => server.completed === AT_A_TIME, 'all of them are under way');
    await allowConnections(false);
    answer();
    const ends = (): number => said.filter((each) => /release job/.test(String(each))).length;
    await until(() => ends() === AT_A_TIME, 'none can be crossed off');
    await allowConnections(true);

    const { tourist, guide, email, threadId } = await seedPair(app);
    const { id } = await send(app.as(tourist), threadId);
    await untilMail(app, guide, id, 'SENT');
    expect(server.to(email)).toHaveLength(1);
    expect(server.received).toHaveLength(AT_A_TIME + 1);
  } finally {
    Logger.overrideLogger(['fatal']);
    await app.stop();
    await operator.end();
    await server.close();
    await database.drop();
  }
}, 60_000);
