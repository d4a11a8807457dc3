import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import type { Verdict } from '../src/notifications/smtp-delivery.js';
import { deliver } from '../src/notifications/smtp-delivery.js';

let server: SMTPServer;
let passwords: unknown[];

beforeEach(() => {
  passwords = [];
});
afterEach(
  () =>
    new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
    }),
);

/** Its certificate is one that nobody vouches for. */
async function listen(host: string, disabledCommands: string[]): Promise<string> {
  server = new SMTPServer({
    disabledCommands,
    allowInsecureAuth: true,
    disableReverseLookup: true,
    logger: false,
    closeTimeout: 100,
    onAuth: ({ username, password }, _session, done) => {
      passwords.push(password);
      done(null, { user: username });
    },
    onData: (stream, _session, done) => {
      stream.resume().once('end', () => {
        done();
      });
    },
  });
  server.on('error', () => undefined);
  server.listen(0, host);
  await once(server.server, 'listening');
  return `user:secret@${host}:${(server.server.address() as AddressInfo).port}`;
}

const mail = {
  messageId: '<1@market.example>',
  from: { name: '', address: 'no-reply@market.example' },
  to: 'gil@guides.example',
  subject: 'News',
  text: 'Hello',
  html: '<p>Hello</p>',
  headers: {},
  references: '<2@market.example>',
};

const deliverTo = (url: string): Promise<Verdict> =>
  deliver(
    { url, timeoutMs: 5_000 },
    mail,
    () => Promise.resolve(true),
    new AbortController().signal,
  );

/** Leads here, and is not known to. */
const ELSEWHERE = '0.0.0.0';

describe('the password of the mail server', () => {
  it('is not sent to another machine that does not encrypt, and the mail waits', async () => {
    const verdict = await deliverTo(`smtp://${await listen(ELSEWHERE, ['STARTTLS'])}`);
    expect(verdict).toMatchObject({ kind: 'REFUSED', isFinal: false });
    expect(passwords).toEqual([]);
  });

  it('is not sent to whoever shows a certificate that nobody vouches for', async () => {
    const verdict = await deliverTo(`smtp://${await listen(ELSEWHERE, [])}`);
    expect(verdict).toMatchObject({ kind: 'REFUSED', isFinal: false });
    expect(passwords).toEqual([]);
  });

  it('is sent as it is within this machine', async () => {
    const verdict = await deliverTo(`smtp://${await listen('127.0.0.1', ['STARTTLS'])}`);
    expect(verdict).toEqual({ kind: 'ACCEPTED' });
    expect(passwords).toEqual(['secret']);
  });

  it('is not needed by a server that asks for none', async () => {
    const address = await listen(ELSEWHERE, ['STARTTLS', 'AUTH']);
    expect(await deliverTo(`smtp://${address.replace('user:secret@', '')}`)).toEqual({
      kind: 'ACCEPTED',
    });
  });
});
