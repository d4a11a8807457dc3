import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { TestApp } from './support/app.js';
import { startApp, until } from './support/app.js';
import { markRead, openThread, PLATFORM, send, sendMany, setStatus } from './support/seeds.js';
import { ShiftedClock } from './support/smtp-clock.js';
import { mailTrace, prefer, seedPair, untilMail, upsert } from './support/smtp-people.js';
import { MailServer } from './support/smtp-server.js';

const clock = new ShiftedClock();
const server = new MailServer();
let app: TestApp;

const start = (environment: Record<string, string> = {}): Promise<TestApp> =>
  startApp({
    NOTIFIER: 'true',
    NOTIFIER_SWEEP_MS: '100',
    SMTP_URL: server.url,
    SMTP_TIMEOUT_SECONDS: '5',
    MAIL_FROM: 'Parley: chat, mail <no-reply@market.example>',
    PUBLIC_URL: 'https://chat.market.example/',
    THREAD_URL: 'https://market.example/chat/{threadId}?from=mail&thread={threadId}',
    ...environment,
  });

beforeAll(async () => {
  await server.listen();
  app = await start();
  clock.start();
});
afterAll(async () => {
  await app.stop();
  await server.close();
  clock.stop();
});

const edit = (person: string, messageId: string, body: string): Promise<unknown> =>
  app
    .as(person)
    .run('mutation ($input: EditMessageInput!) { editMessage(input: $input) { message { id } } }', {
      input: { messageId, body },
    });

const remove = (person: string, messageId: string): Promise<unknown> =>
  app
    .as(person)
    .run(
      'mutation ($input: DeleteMessageInput!) { deleteMessage(input: $input) { message { id } } }',
      { input: { messageId } },
    );

describe('a mail', () => {
  it('tells of what is still unread after the delay, once, in the reader’s language', async () => {
    const { tourist, guide, email, threadId } = await seedPair(app, {
      locale: 'es-ES',
      timeZone: 'Europe/Madrid',
    });
    const first = await send(app.as(tourist), threadId, 'Hola <b>Gil</b> & "amigos"\n¿mañana?');
    await untilMail(app, guide, first.id, 'WAITING');
    clock.forward(5);
    const second = await send(app.as(tourist), threadId, 'segundo');
    await untilMail(app, guide, second.id, 'WAITING');
    expect(server.to(email)).toEqual([]);
    clock.forward(6);
    await untilMail(app, guide, first.id, 'SENT');
    const [mail, ...more] = server.to(email);
    expect(more).toEqual([]);
    expect(mail!.headers.get('subject')).toBe('2 mensajes nuevos de Tara');
    expect(mail!.headers.get('from')).toBe('"Parley: chat, mail" <no-reply@market.example>');
    expect(mail!.headers.get('auto-submitted')).toBe('auto-generated');
    expect(mail!.headers.get('message-id')).toMatch(/^<[\da-f-]{36}@market\.example>$/);
    expect(mail!.text).toContain('Hola <b>Gil</b> & "amigos"\n¿mañana?');
    expect(mail!.text).toContain('segundo');
    expect(mail!.text).toContain(
      `https://market.example/chat/${threadId}?from=mail&thread=${threadId}`,
    );
    expect(mail!.html).toContain('Hola &lt;b&gt;Gil&lt;/b&gt; &amp; &quot;amigos&quot;<br>');
    expect(mail!.html).not.toContain('<b>Gil</b>');
    expect(mail!.html).toContain('lang="es"');
    clock.forward(60);
    const later = await send(app.as(tourist), threadId, 'third');
    await untilMail(app, guide, later.id, 'WAITING');
    clock.forward(11);
    await untilMail(app, guide, later.id, 'SENT');
    expect(server.to(email)).toHaveLength(2);
    expect(server.to(email)[1]!.text).toContain('third');
    expect(server.to(email)[1]!.text).not.toContain('segundo');
  });

  it('is one per thread, and names everybody who wrote', async () => {
    const { tourist, guide, email, threadId } = await seedPair(app);
    const friend = `m-${randomUUID()}`;
    await upsert(app, [{ id: friend, displayName: 'Mia\r\nBcc: all@example.com' }]);
    await app
      .as('platform', PLATFORM)
      .run(
        'mutation ($input: AddParticipantInput!) { addParticipant(input: $input) { thread { id } } }',
        { input: { threadId, userId: friend, role: 'MEMBER' } },
      );
    const other = await openThread(app, { tourist, guide, trip: 'other' });
    await send(app.as(tourist), threadId, 'one');
    await send(app.as(friend), threadId, 'two');
    const last = await send(app.as(tourist), other.id, 'elsewhere');
    await untilMail(app, guide, last.id, 'WAITING');
    clock.forward(11);
    await until(() => server.to(email).length === 2, 'both mails come');
    expect(
      server
        .to(email)
        .map(({ headers }) => headers.get('subject'))
        .sort(),
    ).toEqual(['2 new messages from Tara and Mia Bcc: all@example.com', 'New message from Tara']);
    expect(server.to(email).every(({ headers }) => !headers.has('bcc'))).toBe(true);
  });

  it('says in its subject how many messages are of people, and that there is news beside them', async () => {
    const { tourist, guide, email, threadId } = await seedPair(app);
    await app
      .as('platform', PLATFORM)
      .run(
        'mutation ($input: SendSystemMessageInput!) { sendSystemMessage(input: $input) { message { id } } }',
        { input: { threadId, body: 'Booked', code: 'trip.booked', clientMessageId: randomUUID() } },
      );
    const message = await send(app.as(tourist), threadId);
    await untilMail(app, guide, message.id, 'WAITING');
    clock.forward(11);
    await untilMail(app, guide, message.id, 'SENT');
    expect(server.to(email).map(({ headers }) => headers.get('subject'))).toEqual([
      'New message from Tara, and news',
    ]);
  });

  it('comes after the delay that the person has chosen', async () => {
    const { tourist, guide, email, threadId } = await seedPair(app);
    await prefer(app, guide, { mailDelayMinutes: 0 });
    await send(app.as(tourist), threadId);
    await until(() => server.to(email).length === 1, 'it comes at once');
    await prefer(app, guide, { mailDelayMinutes: 120 });
    const message = await send(app.as(tourist), threadId);
    await untilMail(app, guide, message.id, 'WAITING');
    const { dueAt } = (await mailTrace(app, guide, message.id))!;
    expect(Date.parse(dueAt!) - Date.now()).toBeGreaterThan(119 * 60_000);
  });

  it('is decided at the moment of sending', async () => {
    const cases = await Promise.all(Array.from({ length: 8 }, () => seedPair(app)));
    const messages = await Promise.all(
      cases.map(({ tourist, threadId }) => sendMany(app.as(tourist), threadId, 2)),
    );
    await Promise.all(
      cases.map(({ guide }, place) => untilMail(app, guide, messages[place]![1]!.id, 'WAITING')),
    );
    const [read, muted, deleted, blocked, unwanted, seen, partly, edited] = cases;
    await markRead(app.as(read!.guide), read!.threadId);
    await app
      .as(muted!.guide)
      .run('mutation ($input: MuteThreadInput!) { muteThread(input: $input) { thread { id } } }', {
        input: { threadId: muted!.threadId, until: '2100-01-01T00:00:00Z' },
      });
    for (const { id } of messages[2]!) await remove(deleted!.tourist, id);
    await setStatus(app.as(blocked!.tourist), blocked!.threadId, 'BLOCKED');
    await prefer(app, unwanted!.guide, { channels: [{ channel: 'MAIL', enabled: false }] });
    await app
      .as(seen!.guide)
      .run('mutation { markNotificationsRead(input: {}) { viewer { cursor } } }');
    await remove(partly!.tourist, messages[6]![0]!.id);
    await edit(edited!.tourist, messages[7]![1]!.id, 'said better');
    clock.forward(11);
    const reasons = ['READ', 'MUTED', 'DELETED', 'BLOCKED', 'PREFERENCE', 'READ'];
    for (const [place, reason] of reasons.entries())
      for (const { id } of messages[place]!)
        await untilMail(app, cases[place]!.guide, id, 'SUPPRESSED', reason);
    await untilMail(app, partly!.guide, messages[6]![0]!.id, 'SUPPRESSED', 'DELETED');
    await untilMail(app, partly!.guide, messages[6]![1]!.id, 'SENT');
    await untilMail(app, edited!.guide, messages[7]![1]!.id, 'SENT');
    expect(server.to(partly!.email)[0]!.headers.get('subject')).toBe('New message from Tara');
    expect(server.to(edited!.email)[0]!.text).toContain('said better');
    expect(server.to(edited!.email)[0]!.text).not.toMatch(/^2$/m);
    for (const { email } of cases.slice(0, 6)) expect(server.to(email)).toEqual([]);
  });

  it('is called off when something changes while the mail server already listens', async () => {
    const { tourist, guide, email, threadId } = await seedPair(app);
    const [message] = await sendMany(app.as(tourist), threadId, 1);
    await untilMail(app, guide, message!.id, 'WAITING');
    const completed = server.completed;
    server.onRecipient = async () => {
      server.onRecipient = () => undefined;
      await markRead(app.as(guide), threadId);
    };
    clock.forward(11);
    await untilMail(app, guide, message!.id, 'SUPPRESSED', 'READ');
    expect(server.to(email)).toEqual([]);
    expect(server.completed).toBe(completed);
    const another = await send(app.as(tourist), threadId, 'draft');
    await untilMail(app, guide, another.id, 'WAITING');
    server.onRecipient = async () => {
      server.onRecipient = () => undefined;
      await edit(tourist, another.id, 'final');
    };
    clock.forward(11);
    await untilMail(app, guide, another.id, 'SENT');
    expect(server.to(email).map(({ text }) => /draft|final/.exec(text)?.[0])).toEqual(['final']);
  });

  it('goes to the address that is known when it is due', async () => {
    const { tourist, guide, email, threadId } = await seedPair(app, { email: null });
    const message = await send(app.as(tourist), threadId);
    await untilMail(app, guide, message.id, 'WAITING');
    await upsert(app, [{ id: guide, email }]);
    clock.forward(11);
    await untilMail(app, guide, message.id, 'SENT');
    expect(server.to(email)).toHaveLength(1);
  });

  it('is not for people without an address, nor for what they did themselves', async () => {
    const { tourist, guide, threadId } = await seedPair(app, { email: null });
    const message = await send(app.as(tourist), threadId);
    await untilMail(app, guide, message.id, 'WAITING');
    clock.forward(11);
    await untilMail(app, guide, message.id, 'SUPPRESSED', 'NO_ADDRESS');
    expect(await mailTrace(app, tourist, message.id)).toBeUndefined();
  });

  it('has ASCII alone in its headers, also where hosts have international names', async () => {
    clock.stop();
    const abroad = await start({
      MAIL_FROM: 'no-reply@bücher.example',
      PUBLIC_URL: 'https://chat.bücher.example/über',
    });
    clock.start();
    try {
      const { tourist, guide, email, threadId } = await seedPair(abroad);
      await prefer(abroad, guide, { mailDelayMinutes: 0 });
      await send(abroad.as(tourist), threadId);
      await until(() => server.to(email).length === 1, 'a mail comes');
      const { headers } = server.to(email)[0]!;
      expect([...headers.values()].join('\n')).toMatch(/^[\n -~]+$/);
      expect(headers.get('message-id')).toMatch(/@xn--bcher-kva\.example>$/);
      expect(headers.get('references')).toMatch(/@xn--bcher-kva\.example>$/);
      expect(headers.get('list-unsubscribe')).toMatch(
        /^<https:\/\/chat\.xn--bcher-kva\.example\/%C3%BCber\/notifications\/unsubscribe\?token=/,
      );
    } finally {
      await abroad.stop();
    }
  });
});

describe('quiet hours', () => {
  const quietHours = { from: '22:00', until: '08:00' };

  it.each([
    ['the night in which clocks go forward', '2027-03-27T22:00:00Z', '2027-03-28T06:00:00.000Z'],
    ['the night in which clocks go back', '2027-10-30T21:00:00Z', '2027-10-31T07:00:00.000Z'],
    ['an ordinary night', '2027-11-15T22:00:00Z', '2027-11-16T07:00:00.000Z'],
  ])('hold mails back until morning on the reader’s wall: %s', async (_, evening, morning) => {
    const { tourist, guide, email, threadId } = await seedPair(app, { timeZone: 'Europe/Madrid' });
    await prefer(app, guide, { quietHours, mailDelayMinutes: 5 });
    clock.set(evening);
    const message = await send(app.as(tourist), threadId, 'late');
    await untilMail(app, guide, message.id, 'WAITING');
    clock.forward(6);
    await until(
      async () => (await mailTrace(app, guide, message.id))?.dueAt === morning,
      'it waits for the morning',
    );
    const second = await send(app.as(tourist), threadId, 'later');
    await untilMail(app, guide, second.id, 'WAITING');
    clock.set(new Date(Date.parse(morning) - 60_000).toISOString());
    expect(server.to(email)).toEqual([]);
    clock.forward(2);
    await untilMail(app, guide, second.id, 'SENT');
    expect(server.to(email).map(({ headers }) => headers.get('subject'))).toEqual([
      '2 new messages from Tara',
    ]);
  });
});

describe('unsubscribing', () => {
  async function linkOf(): Promise<{ guide: string; url: string; header: string }> {
    const { tourist, guide, email, threadId } = await seedPair(app);
    await prefer(app, guide, { mailDelayMinutes: 0 });
    await send(app.as(tourist), threadId);
    await until(() => server.to(email).length === 1, 'a mail comes');
    const [{ headers }] = server.to(email) as [ReturnType<typeof server.to>[0]];
    expect(headers.get('list-unsubscribe-post')).toBe('List-Unsubscribe=One-Click');
    const header = headers.get('list-unsubscribe')!.slice(1, -1);
    expect(header).toMatch(/^https:\/\/chat\.market\.example\/notifications\/unsubscribe\?token=/);
    return { guide, header, url: header.replace('https://chat.market.example', app.url) };
  }

  const isMailed = async (person: string): Promise<boolean> =>
    (
      await app
        .as(person)
        .run('{ viewer { notificationPreferences { channels { channel enabled } } } }')
    ).viewer.notificationPreferences.channels[1].enabled;

  it.each([
    ['application/x-www-form-urlencoded', 'List-Unsubscribe=One-Click'],
    [
      'multipart/form-data; boundary=x',
      '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
    ],
  ])('works by one click, posted as %s', async (type, body) => {
    const { guide, url } = await linkOf();
    const answer = await fetch(url, { method: 'POST', headers: { 'content-type': type }, body });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('Done');
    expect(await isMailed(guide)).toBe(false);
  });

  it('changes nothing when the link is only opened, and works by the button there', async () => {
    const { guide, url } = await linkOf();
    const opened = await fetch(url, { headers: { 'accept-language': 'es-MX,es;q=0.9' } });
    expect(opened.headers.get('content-type')).toContain('text/html');
    expect(await opened.text()).toContain('<button>No quiero más correos</button>');
    expect(await isMailed(guide)).toBe(true);
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    await fetch(url, { method: 'POST', headers, body: '' });
    expect(await isMailed(guide)).toBe(false);
    await prefer(app, guide, { channels: [{ channel: 'MAIL', enabled: true }] });
    expect(await isMailed(guide)).toBe(true);
  });

  it('needs the signature', async () => {
    const { guide, url } = await linkOf();
    const other = Buffer.from(guide).toString('base64url');
    const [, signature] = url.split('.').slice(-2);
    for (const token of ['', 'nonsense', `${other}.${'A'.repeat(32)}`, `${other}.${signature}x`]) {
      const forged = `${app.url}/notifications/unsubscribe?token=${token}`;
      const answer = await fetch(forged, { method: 'POST' });
      expect(await answer.text()).toContain('not valid');
    }
    expect(await isMailed(guide)).toBe(true);
  });
});
