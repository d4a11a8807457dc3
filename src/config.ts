import 'reflect-metadata';
import { plainToInstance } from 'class-transformer';
import { IsBoolean, IsIn, IsOptional, Matches, MinLength, validateSync } from 'class-validator';
import { AreOrigins, IsPostgresAddress, IsRedisAddress, IsWebAddress } from './config-addresses.js';
import { ConfigError, describeFaults } from './config-faults.js';
import { NotificationConfig, notificationFaults } from './config-notifications.js';
import { IsPublicKey } from './config-public-key.js';
import { SHORTEST_SECRET, toBoolean, toOrigins, WholeNumber } from './config-values.js';

/**
 * The environment, parsed and checked once. Properties bear the variables' names, so that a fault can be reported as the
 * operator wrote it. Nothing else in the code reads process.env. Units are in the names.
 */
export class Config extends NotificationConfig {
  @IsIn(['development', 'test', 'production'])
  NODE_ENV: 'development' | 'test' | 'production' = 'development';

  @WholeNumber(0, 65_535)
  PORT = 3000;

  /** The address to listen on; outside production only this machine, for the playground hands out a demo token. */
  @MinLength(1)
  HOST: string;

  @IsIn(['fatal', 'error', 'warn', 'log', 'debug', 'verbose'])
  LOG_LEVEL: 'fatal' | 'error' | 'warn' | 'log' | 'debug' | 'verbose' = 'log';

  /** Where the embedded PostgreSQL and the demo's secret live. */
  @MinLength(1)
  DATA_DIR = '.data';

  /** PostgreSQL 15 or later; without it the embedded server is started in DATA_DIR. */
  @IsOptional()
  @IsPostgresAddress()
  DATABASE_URL?: string;

  /** A streaming replica of it, which histories and lists may be read from. */
  @IsOptional()
  @IsPostgresAddress()
  DATABASE_REPLICA_URL?: string;

  @WholeNumber(2, 500)
  DATABASE_POOL_SIZE = 20;

  /** Carries events and rate limits between nodes; a single node needs none. A server or any node of a cluster. */
  @IsOptional()
  @IsRedisAddress()
  REDIS_URL?: string;

  /** Of everything that this installation names in Redis, so that several can share one. */
  @Matches(/^[\w.-]{1,64}$/)
  REDIS_PREFIX = 'parley';

  /** HS256 key of the marketplace's tokens. */
  @IsOptional()
  @MinLength(SHORTEST_SECRET)
  JWT_SECRET?: string;

  /** SPKI PEM of an RSA, P-256 or Ed25519 key. */
  @IsOptional()
  @IsPublicKey()
  JWT_PUBLIC_KEY?: string;

  @IsOptional()
  @IsWebAddress()
  JWKS_URL?: string;

  @IsOptional()
  @MinLength(1)
  JWT_ISSUER?: string;

  @IsOptional()
  @MinLength(1)
  JWT_AUDIENCE?: string;

  /** Demo people, a demo thread and ready-made tokens; outside production unless told. */
  @toBoolean
  @IsBoolean()
  DEMO: boolean;

  @toBoolean
  @IsBoolean()
  PLAYGROUND: boolean;

  @toBoolean
  @IsBoolean()
  INTROSPECTION: boolean;

  /** Origins whose browser pages may open a socket and read answers; empty: the server's own host only. `*` allows all. */
  @toOrigins
  @AreOrigins()
  ALLOWED_ORIGINS: string[] = [];

  @WholeNumber(1, 3_650)
  INBOX_RETENTION_DAYS = 30;

  @WholeNumber(100, 10_000_000)
  INBOX_RETENTION_ENTRIES = 10_000;

  /** How often a node asks PostgreSQL where the journals of its connected people stand. */
  @WholeNumber(50, 60_000)
  INBOX_SWEEP_MS = 1_500;

  /** How long somebody is shown as typing after their last signal. */
  @WholeNumber(100, 60_000)
  TYPING_TTL_MS = 7_000;

  /** How long somebody whose last socket has closed stays online, so that a reconnect does not flap. */
  @WholeNumber(0, 300_000)
  PRESENCE_GRACE_MS = 5_000;

  /** How often a node repeats who is connected to it; after three silent ones the others forget its people. */
  @WholeNumber(50, 300_000)
  PRESENCE_HEARTBEAT_MS = 10_000;

  @WholeNumber(1, 1_000_000)
  MAX_SOCKETS_PER_PERSON = 50;

  @WholeNumber(1, 10_000)
  MAX_OPERATIONS_PER_SOCKET = 100;

  /** Messages that a person may send in the long run, over all nodes; 0: as many as they like. Advised: 20. */
  @WholeNumber(0, 100_000)
  SEND_RATE_PER_SECOND = 0;

  /** Messages that a person may send at once. */
  @WholeNumber(1, 1_000_000)
  SEND_BURST = 100;

  /** Sockets of one node that have not yet shown a token. */
  @WholeNumber(1, 1_000_000)
  MAX_PENDING_SOCKETS = 1_000;

  get isProduction(): boolean {
    return this.NODE_ENV === 'production';
  }
}

/**
 * @param environment process.env in main; a plain object in tests.
 * @throws ConfigError that names every fault at once
 */
export function loadConfig(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  const known = Object.keys(plainToInstance(Config, {}));
  const optional = [
    'DATABASE_URL',
    'DATABASE_REPLICA_URL',
    'REDIS_URL',
    'JWT_SECRET',
    'JWT_PUBLIC_KEY',
    'JWKS_URL',
    'JWT_ISSUER',
    'JWT_AUDIENCE',
    ...NotificationConfig.optional,
  ];
  const switches = ['DEMO', 'PLAYGROUND', 'INTROSPECTION'];
  const given: Record<string, unknown> = {};
  for (const name of new Set([...known, ...optional, ...switches, 'HOST', 'NOTIFIER'])) {
    const value = environment[name];
    if (value !== undefined && value !== '') given[name] = value;
  }
  const relaxed = (given.NODE_ENV ?? 'development') !== 'production';
  for (const name of switches) given[name] ??= relaxed;
  given.NOTIFIER ??= given.NODE_ENV !== 'test';
  given.HOST ??= relaxed ? '127.0.0.1' : '0.0.0.0';
  const config = plainToInstance(Config, given);
  const faults = describeFaults(validateSync(config, { forbidUnknownValues: true }), given);
  const keys = [config.JWT_SECRET, config.JWT_PUBLIC_KEY, config.JWKS_URL].filter(
    (key) => key !== undefined,
  );
  if (keys.length > 1)
    faults.push(
      'JWT_SECRET, JWT_PUBLIC_KEY and JWKS_URL exclude each other: set exactly one of them',
    );
  if (config.isProduction && config.DATABASE_URL === undefined)
    faults.push(
      'DATABASE_URL must be set in production: a PostgreSQL 15 or later, postgresql://user:password@host/database',
    );
  if (config.isProduction && keys.length === 0)
    faults.push(
      'JWT_SECRET (at least 32 bytes), JWT_PUBLIC_KEY or JWKS_URL must be set in production',
    );
  faults.push(...notificationFaults(config));
  if (faults.length > 0) throw new ConfigError(faults, config.isProduction);
  return config;
}
