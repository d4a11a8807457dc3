import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { SignJWT } from 'jose';
import type { Config } from '../src/config.js';
import { UnsubscribeLinks } from '../src/notifications/unsubscribe-links.js';
import type { TestApp } from './support/app.js';
import { startApp } from './support/app.js';
import { HttpClient } from './support/http-client.js';
import { JwksHost } from './support/jwks-host.js';
import { SocketClient } from './support/socket-client.js';

const VIEWER = '{ viewer { user { id } } }';
/** In turn the issuer's, the one that it is about to be replaced by, and one that it does not hold. */
const [ours, next, foreign] = [0, 1, 2].map(() =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }),
);
const KEYS = JSON.stringify({
  keys: [
    { ...ours!.publicKey.export({ format: 'jwk' }), kid: 'ours', alg: 'ES256' },
    { ...next!.publicKey.export({ format: 'jwk' }), kid: 'next', alg: 'ES256' },
  ],
});

/** @param kid the key that the token says it is signed with, if it says so */
const tokenOf = (kid?: string, { privateKey } = ours!): Promise<string> =>
  new SignJWT({ exp: Math.floor(Date.now() / 1_000) + 3_600 })
    .setProtectedHeader({ alg: 'ES256', ...(kid === undefined ? {} : { kid }) })
    .setSubject('ann')
    .sign(privateKey);

describe('a key set', () => {
  const host = new JwksHost();
  const said: unknown[] = [];
  let app: TestApp;
  beforeAll(async () => {
    await host.listen();
    app = await startApp({ JWT_SECRET: '', JWKS_URL: host.url });
    Logger.overrideLogger({
      log: () => undefined,
      warn: (message: unknown) => void said.push(message),
      error: (message: unknown) => void said.push(message),
    });
  });
  afterAll(async () => {
    Logger.overrideLogger(['fatal']);
    await app.stop();
    await host.close();
  });

  const as = (kid: string): HttpClient => new HttpClient(`${app.url}/graphql`, () => tokenOf(kid));

  async function closeCode(kid: string): Promise<number> {
    const socket = await SocketClient.connect(`${app.url}/graphql`);
    const payload = { authorization: `Bearer ${await tokenOf(kid)}` };
    socket.send({ type: 'connection_init', payload });
    return (await socket.closed).code;
  }

  // Before the first good answer, which is kept.
  it.each([
    ['cuts the connection', null],
    ['answers 503', { status: 503, body: 'later' }],
    ['answers a page', { status: 200, body: '<html>Welcome</html>' }],
    ['answers something else', { status: 200, body: '{}' }],
  ])('whose host %s is no fault of the token', async (_, answer) => {
    host.answer = answer;
    expect(await as('ours').refusal(VIEWER)).toBe('SERVICE_UNAVAILABLE');
    expect(await closeCode('ours')).toBe(1013);
  });

  it('that cannot be had is said once, and why', () => {
    expect(said).toEqual([expect.stringMatching(/Tokens cannot be checked: fetch failed: .+/)]);
  });

  it('lets people in as soon as it is there, and refuses tokens of a key that it does not hold', async () => {
    host.answer = { status: 200, body: KEYS };
    expect((await as('ours').run(VIEWER)).viewer.user.id).toBe('ann');
    expect(await as('other').refusal(VIEWER)).toBe('UNAUTHENTICATED');
    expect(await closeCode('other')).toBe(4403);
  });

  it('of several keys is tried through for a token that does not name its own', async () => {
    const signedBy = (key: typeof ours): HttpClient =>
      new HttpClient(`${app.url}/graphql`, () => tokenOf(undefined, key));
    for (const key of [ours, next])
      expect((await signedBy(key).run(VIEWER)).viewer.user.id).toBe('ann');
    expect(await signedBy(foreign).refusal(VIEWER)).toBe('UNAUTHENTICATED');
  });

  it('beside no secret signs no links in mails, and nobody else can', async () => {
    const links = new UnsubscribeLinks({ LINK_SECRET: '', PUBLIC_URL: app.url } as Config);
    const answer = await fetch(links.linkFor('ann'), { method: 'POST' });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('not valid');
  });
});
