import { randomUUID } from 'node:crypto';
import type { TestApp } from './app.js';
import { until } from './app.js';
import { openThread, PLATFORM } from './seeds.js';

/** What the trace says of one recipient's mail. */
export interface MailTrace {
  readonly outcome: string;
  readonly reason: string | null;
  readonly dueAt: string | null;
}

/** Two people with a thread of their own, and a mail address for the guide. */
export interface Pair {
  readonly tourist: string;
  readonly guide: string;
  readonly email: string;
  readonly threadId: string;
}

export async function seedPair(app: TestApp, guideIs: Record<string, unknown> = {}): Promise<Pair> {
  const key = randomUUID();
  const [tourist, guide, email] = [`t-${key}`, `g-${key}`, `${key}@guides.example`];
  await upsert(app, [
    { id: tourist, displayName: 'Tara' },
    { id: guide, displayName: 'Gil', email, ...guideIs },
  ]);
  return { tourist, guide, email, threadId: (await openThread(app, { tourist, guide })).id };
}

export const upsert = (app: TestApp, users: unknown[]): Promise<unknown> =>
  app
    .as('platform', PLATFORM)
    .run('mutation ($input: UpsertUsersInput!) { upsertUsers(input: $input) { users { id } } }', {
      input: { users },
    });

export const prefer = (app: TestApp, person: string, input: unknown): Promise<unknown> =>
  app.as(person).run(
    `mutation ($input: UpdateNotificationPreferencesInput!) {
         updateNotificationPreferences(input: $input) { viewer { cursor } }
       }`,
    { input },
  );

/** Of a message and its recipient by mail; undefined while the notifier has not taken it in. */
export async function mailTrace(
  app: TestApp,
  person: string,
  messageId: string,
): Promise<MailTrace | undefined> {
  const { notificationTrace } = await app
    .as(person)
    .run(
      'query ($id: ID!) { notificationTrace(messageId: $id) { channel outcome reason dueAt } }',
      { id: messageId },
    );
  return notificationTrace.find(({ channel }: { channel: string }) => channel === 'MAIL');
}

/** Waits until a mail's fate is this. */
export const untilMail = (
  app: TestApp,
  person: string,
  messageId: string,
  outcome: string,
  reason: string | null = null,
): Promise<void> =>
  until(
    async () => {
      const trace = await mailTrace(app, person, messageId);
      return trace?.outcome === outcome && trace.reason === reason;
    },
    `the mail is ${outcome} ${reason ?? ''}`,
  );
