import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import type { AddressInfo, Server } from 'node:net';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Client, escapeIdentifier } from 'pg';
import { findPostmaster } from '../src/database/embedded-process.js';
import { SECRET, startApp, until } from './support/app.js';
import type { TestDatabase } from './support/database.js';
import { createDatabase, scratchDirectory } from './support/database.js';
import { hasBegun } from './support/other-process.js';
import { send } from './support/seeds.js';
import { seedPair } from './support/smtp-people.js';
import { MailServer } from './support/smtp-server.js';
import { SocketClient } from './support/socket-client.js';

/** A server that tells by mail, at once. */
const MAIL = {
  NODE_ENV: 'test',
  DEMO: 'false',
  JWT_SECRET: SECRET,
  NOTIFIER: 'true',
  NOTIFIER_SWEEP_MS: '100',
  NOTIFICATION_MAIL_DELAY_MINUTES: '0',
  SMTP_URL: 'smtp://127.0.0.1:1',
  MAIL_FROM: 'no-reply@market.example',
  PUBLIC_URL: 'https://chat.market.example',
};

const hasAddress = (address: string): boolean =>
  Object.values(networkInterfaces()).some((own) => own?.some((each) => each.address === address));

/** The server as an operator starts it: what has been built, in a process of its own. */
class ServerProcess {
  output = '';
  readonly exit: Promise<number | null>;
  readonly #child: ChildProcess;

  /** @param before what a shell does first, which then becomes the server */
  constructor(environment: Record<string, string>, before = ':') {
    const server = [process.execPath, '--no-warnings', 'dist/main.js'];
    this.#child = spawn('/bin/sh', ['-c', `${before}; exec "$@"`, 'sh', ...server], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, PORT: '0', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (data: Buffer) => {
        this.output += data.toString();
      });
    this.exit = once(this.#child, 'close').then(([code]) => code as number | null);
  }

  /** Waits for a line, and gives what it captures; fails when the process ends without it. */
  async says(pattern: RegExp): Promise<string> {
    for (;;) {
      const match = pattern.exec(this.output);
      if (match !== null) return match[1] ?? match[0];
      const news =
        this.#child.stdout === null ? Promise.resolve() : once(this.#child.stdout, 'data');
      const code = await Promise.race([news.then(() => undefined), this.exit]);
      if (code !== undefined && !pattern.test(this.output))
        throw new Error(`It ended with ${code}: ${this.output}`);
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}

describe('the server process', () => {
  const running: ServerProcess[] = [];
  const start = (environment: Record<string, string>, before?: string): ServerProcess => {
    const server = new ServerProcess(environment, before);
    running.push(server);
    return server;
  };
  afterEach(async () => {
    for (const server of running.splice(0)) {
      server.kill('SIGTERM');
      await server.exit;
    }
  });

  it('names everything that is wrong with its configuration, and does not start', async () => {
    const server = start({ NODE_ENV: 'production', PORT: 'http', LOG_LEVEL: 'loud' });
    expect(await server.exit).toBe(1);
    // As everything that is logged in production.
    const { level, message } = JSON.parse(server.output) as Record<string, string>;
    expect(level).toBe('fatal');
    for (const name of ['PORT', 'LOG_LEVEL', 'DATABASE_URL', 'JWT_SECRET'])
      expect(message).toContain(name);
    expect(server.output).not.toMatch(/\n\s+at /);
  });

  describe('says in one line why it does not start,', () => {
    let taken: Server;
    let database: TestDatabase;
    beforeAll(async () => {
      database = await createDatabase();
      taken = createServer().listen(0, '127.0.0.1');
      await once(taken, 'listening');
      await writeFile(path.join(scratchDirectory(), 'a file'), '');
      await mkdir(cutShort());
      await writeFile(path.join(cutShort(), 'jwt-secret'), '');
    });
    afterAll(async () => {
      taken.close();
      await once(taken, 'close');
      await database.drop();
    });

    const query = async (statements: string): Promise<void> => {
      const client = new Client({ connectionString: database.url });
      await client.connect();
      await client.query(statements).finally(() => client.end());
    };
    const cutShort = (): string => path.join(scratchDirectory(), 'cut-short');
    const noDirectory = (): string => path.join(scratchDirectory(), 'a file', 'data');

    it.each<[string, () => Record<string, string>, RegExp]>([
      [
        'a database that is not there',
        () => ({ DATABASE_URL: 'postgresql://parley:hunter2@127.0.0.1:1/parley' }),
        /The database \(DATABASE_URL\) cannot be reached: .*ECONNREFUSED/,
      ],
      [
        'a database that lets nobody in',
        () => ({ DATABASE_URL: database.url.replace(/\w+$/, 'no_such_database') }),
        /The database \(DATABASE_URL\) cannot be reached: .*no_such_database/,
      ],
      [
        'a port that is in use',
        () => ({
          DATABASE_URL: database.url,
          PORT: String((taken.address() as AddressInfo).port),
        }),
        /PORT \d+ of HOST 127\.0\.0\.1: .*EADDRINUSE/,
      ],
      [
        'an address of another machine',
        () => ({ DATABASE_URL: database.url, HOST: '192.0.2.1' }),
        /HOST 192\.0\.2\.1: .*EADDRNOTAVAIL/,
      ],
      [
        'a directory that takes no secret',
        () => ({ DATABASE_URL: database.url, JWT_SECRET: '', DATA_DIR: noDirectory() }),
        /cannot be kept in DATA_DIR: E\w+/,
      ],
      [
        'a secret that a full disk has cut short',
        () => ({ DATABASE_URL: database.url, JWT_SECRET: '', DATA_DIR: cutShort() }),
        /cut-short\/jwt-secret is not whole .* Delete that file/,
      ],
      [
        'a directory that takes no database',
        () => ({ DATA_DIR: noDirectory() }),
        /There can be no data directory .*a file\/data \(E\w+\)/,
      ],
    ])('for %s', async (_, environment, reason) => {
      const server = start({ JWT_SECRET: SECRET, DEMO: 'false', ...environment() });
      expect(await server.exit).toBe(1);
      const complaints = server.output
        .split('\n')
        .filter((line) => /FATAL|ERROR(?!.*NOT DURABLE)/.test(line));
      expect(complaints).toEqual([expect.stringMatching(reason)]);
      expect(server.output).not.toMatch(/\n\s+at |hunter2/);
    });

    it.each<[string, Record<string, string>, RegExp]>([
      ['make the schema of the mail queue', MAIL, /: permission denied .* needs CREATE/],
      ['write the demo', { DEMO: 'true' }, /DEMO=false does without: permission denied/],
    ])('for a role that may not %s', async (_, environment, reason) => {
      const url = new URL(database.url);
      url.username = url.pathname.slice(1);
      const role = escapeIdentifier(url.username);
      await query(
        `CREATE ROLE ${role} LOGIN PASSWORD '${url.password}' IN ROLE pg_read_all_data;
         GRANT CREATE ON SCHEMA public TO ${role}`,
      );
      const server = start({ DATABASE_URL: url.href, JWT_SECRET: SECRET, ...environment });
      expect(await server.exit).toBe(1);
      expect(server.output).toMatch(/FATAL.*\(DATABASE_URL\)/);
      expect(server.output).toMatch(reason);
      expect(server.output).not.toMatch(/\n\s+at /);
      await query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    });

    it('and leaves no half of a secret where the disk is full', async () => {
      const DATA_DIR = path.join(scratchDirectory(), 'full');
      const server = start({ DATABASE_URL: database.url, DATA_DIR }, 'ulimit -f 0');
      expect(await server.exit).toBe(1);
      expect(server.output).toMatch(/cannot be kept in DATA_DIR: EFBIG/);
      expect(await readdir(DATA_DIR)).toEqual([]);
    });

    // Where mkdir answers ENOENT although the parent is there.
    (existsSync('/proc/self') ? it : it.skip)('for a directory in /proc', async () => {
      const server = start({ DATA_DIR: '/proc/parley' });
      expect(await server.exit).toBe(1);
      expect(server.output).toMatch(/no data directory \/proc\/parley \(ENOENT\)/);
    });
  });

  it('stops cleanly on SIGTERM in the middle of its start', async () => {
    const server = start({ DATA_DIR: path.join(scratchDirectory(), 'stopped-early') });
    await server.says(/Applied the migration/);
    server.kill('SIGTERM');
    expect(await server.exit).toBe(0);
    expect(server.output).toContain('Stopping on SIGTERM');
    expect(server.output).not.toMatch(/FATAL/);
  }, 60_000);

  it('takes the PostgreSQL along that it is just starting on SIGTERM', async () => {
    const DATA_DIR = path.join(scratchDirectory(), 'stopped-earlier');
    const server = start({ DATA_DIR });
    await hasBegun(DATA_DIR);
    server.kill('SIGTERM');
    expect(await server.exit).toBe(0);
    expect(server.output).not.toMatch(/FATAL/);
    expect(await findPostmaster(path.join(DATA_DIR, 'postgresql'))).toBeUndefined();
  }, 60_000);

  it('serves the demo from nothing, stops on a terminal’s signals with a socket open, and starts again on the same data', async () => {
    const DATA_DIR = path.join(scratchDirectory(), 'process');
    const first = start({ DATA_DIR });
    const url = await first.says(/Playground +(http:\S+)\/playground/);
    const token = await first.says(/Token of Tara Tourist:\s+(\S+)/);
    // Colours are for terminals, and this is a pipe.
    expect(first.output).not.toContain('\u001b[');
    const socket = await SocketClient.open(`${url}/graphql`, token);
    const { viewer, threads } = await socket.run(
      '{ viewer { user { displayName } } threads { nodes { lastMessage { body } } } }',
    );
    expect(viewer.user.displayName).toBe('Tara Tourist');
    expect(threads.nodes).toHaveLength(1);
    for (const page of ['/playground', '/playground/graphiql.js', '/playground/graphql-ws.js'])
      expect((await fetch(`${url}${page}`)).status).toBe(200);
    for (const address of ['/graphql', '/graphql?opened=by-hand'])
      expect((await fetch(`${url}${address}`, { headers: { accept: 'text/html' } })).url).toBe(
        `${url}/playground`,
      );

    const second = start({ DATA_DIR });
    expect(await second.exit).toBe(1);
    expect(second.output).toMatch(/already running/);

    const stoppedAt = performance.now();
    // Of a terminal comes more than one, for npm passes them on to whom they have come already.
    for (const signal of ['SIGINT', 'SIGHUP'] as const) first.kill(signal);
    expect((await socket.closed).code).toBe(1012);
    expect(await first.exit).toBe(0);
    // In whichever order the system has given them.
    for (const signal of ['SIGINT', 'SIGHUP']) expect(first.output).toContain(`on ${signal}.`);
    expect(performance.now() - stoppedAt).toBeLessThan(10_000);

    const third = start({ DATA_DIR });
    const again = await third.says(/Token of Tara Tourist:\s+(\S+)/);
    const back = await SocketClient.open(
      `${await third.says(/Playground +(http:\S+)\/playground/)}/graphql`,
      again,
    );
    const { threads: same } = await back.run('{ threads { nodes { lastSequence } } }');
    expect(same.nodes).toEqual([{ lastSequence: 1 }]);
    third.kill('SIGKILL');
    await third.exit;

    const fourth = start({ DATA_DIR });
    await fourth.says(/Playground/);
  }, 90_000);

  // Where the machine has that address.
  (hasAddress('::1') ? it : it.skip)('says where it serves as a URL, also on IPv6', async () => {
    const database = await createDatabase();
    const server = start({
      DATABASE_URL: database.url,
      JWT_SECRET: SECRET,
      DEMO: 'false',
      HOST: '::1',
    });
    const url = await server.says(/Serving (\S+)\/graphql/);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    server.kill('SIGTERM');
    await server.exit;
    await database.drop();
  });

  it('sends mail', async () => {
    const mails = new MailServer();
    await mails.listen();
    const database = await createDatabase();
    const environment = { ...MAIL, DATABASE_URL: database.url, SMTP_URL: mails.url };
    const server = start(environment);
    await server.says(/Serving/);
    const app = await startApp({ ...environment, NOTIFIER: 'false' }, database);
    try {
      const { tourist, email, threadId } = await seedPair(app);
      await send(app.as(tourist), threadId);
      await until(() => mails.to(email).length === 1, 'it comes');
    } finally {
      await app.stop();
      server.kill('SIGTERM');
      await server.exit;
      await mails.close();
      await database.drop();
    }
  }, 60_000);

  it('says why it cannot reach a server whose name has several addresses', async () => {
    const database = await createDatabase();
    const environment = { ...MAIL, DATABASE_URL: database.url, SMTP_URL: 'smtp://localhost:1' };
    const app = await startApp({ ...environment, NOTIFIER: 'false' }, database);
    const server = start({
      ...environment,
      NODE_OPTIONS: '--import ./test/support/two-addresses.mjs',
      REDIS_URL: 'redis://localhost:1',
      DATABASE_REPLICA_URL: 'postgresql://localhost:1/parley',
    });
    try {
      const { tourist, threadId } = await seedPair(app);
      await send(app.as(tourist), threadId);
      await server.says(/Redis cannot be reached: connect ECONN/);
      await server.says(/replica does not answer.*: connect ECONN/);
      await server.says(/at a mail ended REFUSED: connect ECONN/);
    } finally {
      await app.stop();
      server.kill('SIGTERM');
      await server.exit;
      await database.drop();
    }
  }, 60_000);
});
