import { createHmac, generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SignJWT } from 'jose';
import type { TestApp } from './support/app.js';
import { SECRET, startApp } from './support/app.js';
import { HttpClient } from './support/http-client.js';
import { SocketClient } from './support/socket-client.js';

const VIEWER = '{ viewer { user { id displayName avatarUrl } } }';
const inAnHour = (): number => Math.floor(Date.now() / 1_000) + 3_600;

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');

function forge(header: object, claims: object, secret = SECRET): string {
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

const HS256 = { alg: 'HS256', typ: 'JWT' };

describe('a token', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(() => app.stop());

  const asToken = (token: string | null): HttpClient =>
    new HttpClient(`${app.url}/graphql`, () => token);

  it('names the caller, who is created from its claims at first sight', async () => {
    const claims = { name: 'Ann', picture: 'https://pictures.example/ann.png' };
    const { viewer } = await app.as('ann', claims).run(VIEWER);
    expect(viewer.user).toEqual({ id: 'ann', displayName: 'Ann', avatarUrl: claims.picture });
  });

  it('refreshes the caller where a claim says something new', async () => {
    await app.as('ann', { name: 'Ann' }).run(VIEWER);
    const { viewer } = await app.as('ann', { name: 'Ann Other' }).run(VIEWER);
    expect(viewer.user.displayName).toBe('Ann Other');
  });

  describe.each<[string, () => string | null]>([
    ['that is missing', () => null],
    ['that is no token', () => 'not-a-token'],
    [
      'without a signature (alg none)',
      () => `${encode({ alg: 'none' })}.${encode({ sub: 'ann', exp: inAnHour() })}.`,
    ],
    [
      'signed with another key',
      () => forge(HS256, { sub: 'ann', exp: inAnHour() }, 'another secret that is long enough too'),
    ],
    [
      'whose claims were changed',
      () =>
        forge(HS256, { sub: 'eve', exp: inAnHour() }).replace(
          /\.[^.]+\./,
          `.${encode({ sub: 'ann', exp: inAnHour() })}.`,
        ),
    ],
    ['of another algorithm', () => forge({ alg: 'HS512' }, { sub: 'ann', exp: inAnHour() })],
    ['that has expired', () => forge(HS256, { sub: 'ann', exp: inAnHour() - 7_200 })],
    ['that never expires', () => forge(HS256, { sub: 'ann' })],
    [
      'that is not yet valid',
      () => forge(HS256, { sub: 'ann', exp: inAnHour(), nbf: inAnHour() - 60 }),
    ],
    ['without a subject', () => forge(HS256, { exp: inAnHour() })],
    ['with an empty subject', () => forge(HS256, { sub: '', exp: inAnHour() })],
    ['with a number for a subject', () => forge(HS256, { sub: 7, exp: inAnHour() })],
    ['with a blank subject', () => forge(HS256, { sub: ' ', exp: inAnHour() })],
    [
      'with a subject of 65 characters',
      () => forge(HS256, { sub: 'a'.repeat(65), exp: inAnHour() }),
    ],
    ['with NUL in its subject', () => forge(HS256, { sub: 'a\0b', exp: inAnHour() })],
  ])('%s', (_, token) => {
    it('is UNAUTHENTICATED over HTTP', async () => {
      expect(await asToken(token()).refusal(VIEWER)).toBe('UNAUTHENTICATED');
    });

    it('closes a socket with 4403', async () => {
      const socket = await SocketClient.connect(`${app.url}/graphql`);
      const value = token();
      socket.send({
        type: 'connection_init',
        ...(value === null ? {} : { payload: { authorization: `Bearer ${value}` } }),
      });
      expect((await socket.closed).code).toBe(4403);
    });
  });

  it('closes its socket within a second of its end, and not before', async () => {
    const exp = Math.floor(Date.now() / 1_000) + 3;
    const socket = await app.socket('ann', { exp });
    socket.start('subscription { inboxEvents { __typename } }');
    // The second begins when this process comes to what was due at the end: a busy machine is as late for us as for the server.
    const timers: NodeJS.Timeout[] = [];
    const after = (ms: number): Promise<void> =>
      new Promise((resolve) => timers.push(setTimeout(resolve, ms)));
    const tooLate = after(exp * 1_000 - Date.now())
      .then(() => after(1_000))
      .then(() => 'too late');
    expect(await Promise.race([socket.closed, tooLate])).toEqual({
      code: 4403,
      reason: 'The token has expired',
    });
    expect(Date.now()).toBeGreaterThanOrEqual(exp * 1_000);
    timers.forEach(clearTimeout);
  });

  it('of a service is a caller without a journal', async () => {
    const claims = { name: 'Market', picture: 'https://pictures.example/market.png' };
    const service = app.as('platform', { roles: ['service'], ...claims });
    const nobody = { id: 'platform', displayName: null, avatarUrl: null };
    expect((await service.run(VIEWER)).viewer.user).toEqual(nobody);
    expect(await service.refusal('{ sync { cursor } }')).toBe('FORBIDDEN');
  });

  it('that a client cannot choose by any input is the only identity', async () => {
    const { errors } = await app
      .as('ann')
      .send('mutation ($i: SendMessageInput!) { sendMessage(input: $i) { deduplicated } }', {
        i: { threadId: crypto.randomUUID(), body: 'x', clientMessageId: 'c', senderUserId: 'ben' },
      });
    expect(errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
  });
});

describe.each(['RS256', 'ES256', 'EdDSA'])('a public key for %s', (alg) => {
  const { publicKey, privateKey } =
    alg === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : alg === 'ES256'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('ed25519');
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp({
      JWT_SECRET: '',
      JWT_PUBLIC_KEY: pem,
      JWT_ISSUER: 'market',
      JWT_AUDIENCE: 'parley',
    });
  });
  afterAll(() => app.stop());

  const sign = (issuer: string, audience: string): Promise<string> =>
    new SignJWT({ exp: inAnHour() })
      .setProtectedHeader({ alg })
      .setSubject('ann')
      .setIssuer(issuer)
      .setAudience(audience)
      .sign(privateKey);

  it('accepts the marketplace’s tokens, with issuer and audience', async () => {
    const ann = new HttpClient(`${app.url}/graphql`, () => sign('market', 'parley'));
    expect((await ann.run(VIEWER)).viewer.user.id).toBe('ann');
  });

  it('refuses those of another issuer, of another audience, and HMAC with the public key as its secret', async () => {
    const claims = { sub: 'ann', exp: inAnHour(), iss: 'market', aud: 'parley' };
    for (const token of [
      await sign('other', 'parley'),
      await sign('market', 'other'),
      forge(HS256, claims, pem),
    ]) {
      const eve = new HttpClient(`${app.url}/graphql`, () => token);
      expect(await eve.refusal(VIEWER)).toBe('UNAUTHENTICATED');
    }
  });
});
