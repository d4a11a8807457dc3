import type { Server } from 'node:http';
import { SignJWT } from 'jose';
import { createApp } from '../../src/app.module.js';
import { loadConfig } from '../../src/config.js';
import { PlaygroundOptions } from '../../src/graphql/playground.controller.js';
import { SocketServer } from '../../src/graphql/socket-server.js';
import { describeDifference, findDifferences } from '../../src/health/doctor.js';
import { Hub } from '../../src/inbox/hub.js';
import { HttpClient } from './http-client.js';
import { createDatabase } from './database.js';
import { SocketClient } from './socket-client.js';

export const SECRET = 'the secret of the tests, at least 32 bytes long';

export interface TokenClaims {
  readonly roles?: readonly string[];
  readonly name?: string;
  readonly picture?: string;
  /** Unix time in seconds; not there unless told. */
  readonly iat?: number;
  /** Unix time in seconds; an hour from now unless told. */
  readonly exp?: number;
}

export const signToken = (
  sub: string,
  claims: TokenClaims = {},
  secret = SECRET,
): Promise<string> =>
  new SignJWT({ exp: Math.floor(Date.now() / 1_000) + 3_600, ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(sub)
    .sign(new TextEncoder().encode(secret));

/** The application of one test file, on a database of its own. */
export interface TestApp {
  readonly url: string;
  readonly databaseUrl: string;
  get<Type>(token: abstract new (...args: never[]) => Type): Type;
  token(sub: string, claims?: TokenClaims): Promise<string>;
  /** A person's (or a service's) client over HTTP. */
  as(sub: string, claims?: TokenClaims): HttpClient;
  /** A person's socket; closed with the app at the latest. */
  socket(sub: string, claims?: TokenClaims): Promise<SocketClient>;
  /** Stops the server alone, as a signal does. */
  close(): Promise<void>;
  /**
   * Stops everything, and fails when something was left behind or the doctor finds a difference in the database.
   * @param tampered true for a test that has written to tables itself or has taken the database away: no doctor then
   */
  stop(tampered?: boolean): Promise<void>;
}

/**
 * @param environment what differs from the tests' configuration
 * @param prepare is given the HTTP server before it listens
 */
export async function startApp(
  environment: Readonly<Record<string, string>> = {},
  database?: { url: string },
  prepare?: (server: Server) => void,
): Promise<TestApp> {
  const own = database === undefined ? await createDatabase() : undefined;
  const databaseUrl = database?.url ?? own?.url ?? '';
  const app = await createApp(
    loadConfig({
      NODE_ENV: 'test',
      LOG_LEVEL: 'fatal',
      DATABASE_URL: databaseUrl,
      JWT_SECRET: SECRET,
      INBOX_SWEEP_MS: '1000',
      DATABASE_POOL_SIZE: '10',
      ...environment,
    }),
  );
  app.get(PlaygroundOptions).enabled = true;
  prepare?.(app.getHttpServer());
  await app.listen(0, '127.0.0.1');
  const url = (await app.getUrl()).replace('[::1]', '127.0.0.1');
  const sockets: SocketClient[] = [];
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= app.close());
  return {
    url,
    databaseUrl,
    get: (token) => app.get(token, { strict: false }),
    token: signToken,
    as: (sub, claims) => new HttpClient(`${url}/graphql`, () => signToken(sub, claims)),
    socket: async (sub, claims) => {
      const socket = await SocketClient.open(`${url}/graphql`, await signToken(sub, claims));
      sockets.push(socket);
      return socket;
    },
    close,
    stop: async (tampered = false) => {
      try {
        await Promise.all(sockets.map((socket) => socket.close()));
        await until(
          () => app.get(SocketServer).size === 0 && app.get(Hub).size === 0,
          'no socket and no stream is left',
        );
      } finally {
        await close();
        try {
          if (!tampered) await requireSound(databaseUrl);
        } finally {
          await own?.drop();
        }
      }
    },
  };
}

/** Every counter, sequence and journal position that the tests have left is what a recount gives. */
async function requireSound(databaseUrl: string): Promise<void> {
  const findings = [];
  for await (const difference of findDifferences(databaseUrl))
    findings.push(describeDifference(difference));
  if (findings.length > 0) throw new Error(`The doctor has found:\n${findings.join('\n')}`);
}

/** Waits until something holds that only happens to be asynchronous; says what never did. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  ms = 10_000,
): Promise<void> {
  const end = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`It did not come true within ${ms} ms that ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
