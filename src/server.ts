import 'reflect-metadata';
import { isIPv6 } from 'node:net';
import path from 'node:path';
import { Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApp } from './app.module.js';
import { ConfigError } from './config-faults.js';
import { loadConfig } from './config.js';
import type { Config } from './config.js';
import { Database } from './database/database.js';
import { findDurabilityProblems } from './database/durability.js';
import { startEmbeddedServer } from './database/embedded-server.js';
import { applyMigrations } from './database/migrations.js';
import { demoSecret, describeDemo, seedDemo } from './demo.js';
import { StartError } from './errors.js';
import { listen } from './listen.js';
import { AppLogger } from './logger.js';
import { PlaygroundOptions } from './graphql/playground.controller.js';
import { reasonOf } from './reasons.js';

/** Everything has stopped by then, or is stopped by the end of the process. */
const STOP_WITHIN_MS = 9_000;
/** npm passes on what the terminal has told this process already: nobody is impatient so soon. */
const IMPATIENT_AFTER_MS = 1_000;
const logger = new Logger('parley');
/** Undone in reverse, on a signal and after a failed start alike. */
const undo: (() => Promise<void>)[] = [];

async function start(): Promise<void> {
  const config = loadConfig();
  Logger.overrideLogger(new AppLogger(config));
  if (config.DATABASE_URL === undefined) await embedDatabase(config);
  const isOwnSecret =
    config.JWT_SECRET === undefined &&
    config.JWT_PUBLIC_KEY === undefined &&
    config.JWKS_URL === undefined;
  if (isOwnSecret) config.JWT_SECRET = await demoSecret(path.resolve(config.DATA_DIR));
  // The app is put together while the database answers; it asks for nothing before it is started.
  const [app] = await Promise.all([build(config), migrate(config)]);
  await Promise.all([requireDurability(app), listen(app, config)]);
  const origin = originOf(app, config);
  logger.log(`Serving ${origin}/graphql`);
  if (config.PLAYGROUND) app.get(PlaygroundOptions).enabled = true;
  if (config.DEMO && config.JWT_SECRET !== undefined)
    await showDemo(app, config.JWT_SECRET, origin);
}

async function embedDatabase(config: Config): Promise<void> {
  const stopped = new AbortController();
  const starting = startEmbeddedServer({
    dataDir: path.resolve(config.DATA_DIR),
    log: (line) => {
      logger.log(line);
    },
    signal: stopped.signal,
  });
  // From now on there may be a process that would outlive this one.
  undo.push(async () => {
    stopped.abort();
    const server = await starting.catch(() => undefined);
    await server?.stop();
  });
  config.DATABASE_URL = (await starting).url;
}

async function build(config: Config): Promise<NestFastifyApplication> {
  const app = await createApp(config);
  undo.push(() => app.close());
  return app;
}

async function migrate(config: Config): Promise<void> {
  for (const name of await applyMigrations(config.DATABASE_URL ?? ''))
    logger.log(`Applied the migration ${name}.`);
}

async function requireDurability(app: NestFastifyApplication): Promise<void> {
  const problems = await findDurabilityProblems(app.get(Database).pool).catch((error: unknown) => {
    throw new StartError(`The database (DATABASE_URL) does not answer: ${reasonOf(error)}`);
  });
  for (const problem of problems) logger.error(`NOT DURABLE: ${problem}`);
}

async function showDemo(
  app: NestFastifyApplication,
  secret: string,
  origin: string,
): Promise<void> {
  const demo = await seedDemo(app, secret).catch((error: unknown) => {
    throw new StartError(
      `The demo cannot be written into the database (DATABASE_URL), which DEMO=false does without: ${reasonOf(error)}`,
      { cause: error },
    );
  });
  Object.assign(app.get(PlaygroundOptions), { token: demo.touristToken, threadId: demo.threadId });
  // For the person at the terminal, so neither through the logger nor in its format.
  console.log(describeDemo(origin, demo));
}

function originOf(app: NestFastifyApplication, config: Config): string {
  const address = app.getHttpServer().address();
  const port = typeof address === 'object' && address !== null ? address.port : config.PORT;
  const host = ['0.0.0.0', '::', '127.0.0.1'].includes(config.HOST) ? 'localhost' : config.HOST;
  return `http://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

let stopping: Promise<void> | undefined;
let stoppingSince = 0;

/** Stops once, whoever asks; a second Ctrl-C ends the process at once. */
function stop(code: number): void {
  if (stopping !== undefined) {
    if (performance.now() - stoppingSince > IMPATIENT_AFTER_MS) process.exit(code || 1);
    return;
  }
  stoppingSince = performance.now();
  setTimeout(() => process.exit(code || 1), STOP_WITHIN_MS).unref();
  stopping = (async () => {
    for (const step of undo.reverse()) await step().catch((error: unknown) => logger.error(error));
    process.exit(code);
  })();
}

/** Starts the server of this process, which ends with it. */
export function run(): void {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.on(signal, () => {
      logger.log(`Stopping on ${signal}.`);
      stop(0);
    });

  start().catch((error: unknown) => {
    // Whatever a start says that has lost its ground to a stop is no failure.
    if (stopping !== undefined) return;
    if (error instanceof ConfigError)
      Logger.overrideLogger(new AppLogger({ isProduction: error.isProduction, LOG_LEVEL: 'log' }));
    const isOurs = error instanceof ConfigError || error instanceof StartError;
    logger.fatal(isOurs ? error.message : error instanceof Error ? error.stack : error);
    stop(1);
  });
}
