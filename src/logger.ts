import { WriteStream } from 'node:tty';
import type { LogLevel } from '@nestjs/common';
import { ConsoleLogger } from '@nestjs/common';
import type { Config } from './config.js';

const LEVELS: readonly LogLevel[] = ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'];
/** What Nest says of each module and route at every start: worth reading only while debugging. */
const CHATTY: readonly unknown[] = [
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestFactory',
  'NestApplication',
  'GraphQLModule',
];

/**
 * Lines for people in development, coloured in a terminal, and JSON in production; without Nest's start-up chatter unless
 * LOG_LEVEL asks for it.
 */
export class AppLogger extends ConsoleLogger {
  readonly #isTerse: boolean;

  constructor({ isProduction, LOG_LEVEL }: Pick<Config, 'isProduction' | 'LOG_LEVEL'>) {
    super({
      json: isProduction,
      colors: !isProduction && process.stdout instanceof WriteStream && process.stdout.hasColors(),
      logLevels: LEVELS.slice(0, LEVELS.indexOf(LOG_LEVEL) + 1),
    });
    this.#isTerse = LOG_LEVEL === 'log';
  }

  override log(message: unknown, ...rest: unknown[]): void {
    if (!(this.#isTerse && CHATTY.includes(rest.at(-1)))) super.log(message, ...rest);
  }
}
