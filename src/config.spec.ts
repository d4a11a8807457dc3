import { generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { ConfigError } from './config-faults.js';
import { loadConfig } from './config.js';

const faultsOf = (environment: Record<string, string>): readonly string[] => {
  try {
    loadConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
};

describe('the configuration', () => {
  it('needs nothing outside production, and then shows itself to this machine alone', () => {
    const config = loadConfig({});
    expect(config).toMatchObject({
      PORT: 3000,
      HOST: '127.0.0.1',
      DEMO: true,
      PLAYGROUND: true,
      INTROSPECTION: true,
    });
    expect(config.DATABASE_URL).toBeUndefined();
  });

  it('names every fault at once, with the variable and what is expected', () => {
    const faults = faultsOf({
      PORT: '70000',
      DATABASE_URL: 'mysql://x',
      JWT_SECRET: 'too short',
      LOG_LEVEL: 'loud',
      DEMO: 'maybe',
      ALLOWED_ORIGINS: 'app.example',
    });
    for (const name of [
      'PORT',
      'DATABASE_URL',
      'JWT_SECRET',
      'LOG_LEVEL',
      'DEMO',
      'ALLOWED_ORIGINS',
    ])
      expect(faults.filter((fault) => fault.includes(name))).toHaveLength(1);
  });

  it.each([
    ['JWT_SECRET', 'hunter2'],
    ['JWT_PUBLIC_KEY', '-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----'],
    ['JWKS_URL', 'ftp://parley:hunter2@issuer.example/jwks'],
    ['DATABASE_URL', 'mysql://parley:hunter2@db.example/parley'],
    ['DATABASE_REPLICA_URL', 'mysql://parley:hunter2@db.example/parley'],
    ['REDIS_URL', 'redis://:hunter2@my redis:6379'],
    ['REDIS_PREFIX', 'redis://:hunter2@redis.example'],
    ['PUBLIC_URL', 'ftp://parley:hunter2@chat.example'],
    ['THREAD_URL', 'https://parley:hunter2@market.example'],
    ['MAIL_FROM', 'hunter2'],
    ['LINK_SECRET', 'hunter2'],
    ['ALLOWED_ORIGINS', 'ftp://parley:hunter2@app.example'],
  ])('never repeats what may be the secret of %s in a fault', (name, value) => {
    const faults = faultsOf({ [name]: value });
    expect(faults).toHaveLength(1);
    expect(faults.join()).toContain(name);
    expect(faults.join()).not.toContain('hunter2');
  });

  it('never repeats the secret of SMTP_URL in a fault', () => {
    const faults = faultsOf({ SMTP_URL: 'http://parley:hunter2@mail.example' });
    expect(faults.join()).toContain('SMTP_URL');
    expect(faults.join()).not.toContain('hunter2');
  });

  it('repeats what is no number, no switch and none of the choices', () => {
    const faults = faultsOf({ PORT: '70000', DEMO: 'maybe', LOG_LEVEL: 'loud' });
    for (const value of ['"70000"', '"maybe"', '"loud"']) expect(faults.join()).toContain(value);
  });

  it.each([
    'INBOX_RETENTION_DAYS',
    'INBOX_RETENTION_ENTRIES',
    'NOTIFICATION_RETENTION_DAYS',
    'MAX_SOCKETS_PER_PERSON',
    'MAX_OPERATIONS_PER_SOCKET',
    'MAX_PENDING_SOCKETS',
  ])('bounds %s, which PostgreSQL and memory have to bear', (name) => {
    expect(faultsOf({ [name]: '1000' })).toEqual([]);
    expect(faultsOf({ [name]: '3000000000' }).join()).toContain(name);
  });

  it.each([' ', '0x10', '1e3', '+80', '80.0', '-1', '3000 '])(
    'takes no %j for a number',
    (PORT) => {
      expect(faultsOf({ PORT })).toEqual([
        `PORT must be a whole number from 0 to 65535, got ${JSON.stringify(PORT)}`,
      ]);
    },
  );

  it('refuses production without a database and a token key, and says both', () => {
    const faults = faultsOf({ NODE_ENV: 'production' });
    expect(faults).toHaveLength(2);
    expect(faults.join()).toMatch(/DATABASE_URL[^]*JWT_SECRET/);
  });

  it('keeps demo, playground and introspection out of production unless asked for', () => {
    const production = {
      NODE_ENV: 'production',
      DATABASE_URL: 'postgresql://parley@db.example/parley',
      JWT_SECRET: 'x'.repeat(32),
    };
    expect(loadConfig(production)).toMatchObject({
      DEMO: false,
      PLAYGROUND: false,
      INTROSPECTION: false,
      HOST: '0.0.0.0',
    });
    expect(loadConfig({ ...production, PLAYGROUND: 'true' }).PLAYGROUND).toBe(true);
  });

  describe.each([
    [
      'DATABASE_URL',
      [
        'postgres://my_db/parley',
        'postgresql://parley:p%40ss@db.example:5432/parley?sslmode=verify-full',
        'postgresql://parley@[::1]/parley',
        'postgresql:///parley?host=/run/postgresql&user=parley',
        'postgresql://parley:p%40ss@/parley?host=/run/postgresql',
        'postgresql://%2Frun%2Fpostgresql/parley',
      ],
      [
        'localhost:5999/parley',
        'parley',
        'postgresql:parley',
        'postgresql:///parley',
        'postgresql://parley@/parley',
        'postgresql://parley:a#b@db.example/parley',
        'postgresql://one,two/parley',
        'postgresql:///parley?host=one,two',
        'postgresql:///parley?host=one&port=many',
      ],
    ],
    ['DATABASE_REPLICA_URL', ['postgresql://my_replica/parley'], ['parley', 'replica:5432/parley']],
    [
      'REDIS_URL',
      ['redis://my_redis:6379', 'rediss://default:p%40ss@redis.example/2', 'redis://[::1]:6379'],
      [
        'my_redis:6379',
        'redis:my_redis',
        'redis:///2',
        'redis://redis/two',
        'redis://one:6379,two:6379',
        'redis://default:100%@redis',
      ],
    ],
    [
      'JWKS_URL',
      ['http://my_issuer:8080/jwks', 'https://issuer.example/jwks'],
      [
        'issuer.example/jwks',
        'issuer.example:8080/jwks',
        'https:issuer.example/jwks',
        'https://parley:password@issuer.example/jwks',
        'https://@/jwks',
      ],
    ],
    [
      'PUBLIC_URL',
      ['http://my_chat', 'https://chat.example/parley/'],
      [
        'chat.example',
        'https://chat.example/?to=',
        'https://chat.example/#',
        'https://a:b@chat.example',
        'https://@/',
      ],
    ],
    [
      'THREAD_URL',
      [
        'https://market.example/chat/{threadId}?from=mail',
        'http://my_market/#/chat/{threadId}',
        'https://market.example/{threadId}#{threadId}',
      ],
      [
        'market.example/{threadId}',
        'https://market.example/',
        'https://[{threadId}',
        'https://a:b@market.example/{threadId}',
        'https://@/{threadId}',
        'https://market.example/# {threadId}',
      ],
    ],
  ])('of %s', (name, taken, refused) => {
    it.each(taken)('takes %s', (address) => {
      expect(faultsOf({ [name]: address })).toEqual([]);
    });

    it.each(refused)('refuses %s, and says what is expected', (address) => {
      expect(faultsOf({ [name]: address })).toEqual([
        expect.stringMatching(`^${name} must read \\w+://`),
      ]);
    });
  });

  it('takes a mail server with a name that Compose has made', () => {
    const mail = { SMTP_URL: 'smtp://my_mail:25', MAIL_FROM: 'a@b.example' };
    expect(
      faultsOf({ ...mail, PUBLIC_URL: 'http://my_chat', LINK_SECRET: 'x'.repeat(32) }),
    ).toEqual([]);
  });

  describe('of a public key', () => {
    const spki = ({ publicKey }: { publicKey: KeyObject }): string =>
      publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });

    it.each([
      [
        'is garbage',
        '-----BEGIN PUBLIC KEY-----\nbm8ga2V5\n-----END PUBLIC KEY-----',
        'this one cannot be read',
      ],
      [
        'is another curve',
        spki(generateKeyPairSync('ec', { namedCurve: 'P-384' })),
        'this one is ec (secp384r1)',
      ],
      [
        'is too short',
        spki(generateKeyPairSync('rsa', { modulusLength: 1024 })),
        'this one is rsa (1024)',
      ],
      ['is of another kind', spki(generateKeyPairSync('x25519')), 'this one is x25519'],
      [
        'is the private one',
        p256.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
        'this is none',
      ],
    ])('refuses what %s, and says what it is', (_, JWT_PUBLIC_KEY, what) => {
      expect(faultsOf({ JWT_PUBLIC_KEY })).toEqual([
        `JWT_PUBLIC_KEY must be a PEM public key (SPKI), RSA of 2048 bits or more, EC on P-256, or Ed25519; ${what}`,
      ]);
    });

    it('takes line ends that are written \\n', () => {
      const pem = spki(p256);
      expect(faultsOf({ JWT_PUBLIC_KEY: pem.replaceAll('\n', '\\n') })).toEqual([]);
    });
  });

  it.each([
    'https://*.market.example',
    'https://parley:hunter2@market.example',
    'https://market.example/path',
    'https://market.example/',
    'https://market.example?query',
    'https://market.example:port',
    'https://one|two',
  ])('refuses %s as an origin, which no browser sends', (origin) => {
    expect(faultsOf({ ALLOWED_ORIGINS: `https://app.example,${origin}` })).toEqual([
      'ALLOWED_ORIGINS must be a comma-separated list of origins such as https://app.example.com, ' +
        'each without *, user and path; or * for all',
    ]);
  });

  it('takes origins as people write them, and keeps them as browsers send them', () => {
    const { ALLOWED_ORIGINS } = loadConfig({
      ALLOWED_ORIGINS: 'https://App.example:443, http://my_app:8080,http://[::1]:80,*',
    });
    expect(ALLOWED_ORIGINS).toEqual([
      'https://app.example',
      'http://my_app:8080',
      'http://[::1]',
      '*',
    ]);
  });

  it('takes one kind of token key only', () => {
    const faults = faultsOf({ JWT_SECRET: 'x'.repeat(32), JWKS_URL: 'https://keys.example/jwks' });
    expect(faults.join()).toContain('exclude each other');
  });
});
