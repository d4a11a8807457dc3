import { SignJWT } from 'jose';
import { NodeProcess } from './node-process.js';
import { PostgresServer } from './postgres-server.js';
import { endWithUs } from './processes.js';
import { Proxy } from './proxy.js';
import { RedisServer } from './redis-server.js';

const SECRET = 'the secret of the fault suite, 32 bytes at least';

/** A node with the proxies before it, and between it and what it stands on. */
export interface Station {
  readonly node: NodeProcess;
  readonly clients: Proxy;
  readonly database: Proxy;
  readonly redis: Proxy;
}

/** An installation of its own: PostgreSQL, Redis, two nodes, and a proxy on every line between them. */
export class World {
  private constructor(
    readonly postgres: PostgresServer,
    readonly redis: RedisServer,
    readonly stations: readonly Station[],
  ) {}

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<World> {
    const postgres = await PostgresServer.start(settings);
    const redis = await RedisServer.start();
    endWithUs(() => redis.pids, redis.directory);
    const stations: Station[] = [];
    // One after the other: the first one applies the migrations.
    for (const name of ['first', 'second']) {
      const database = await Proxy.start(() => postgres.port);
      const toRedis = await Proxy.start(() => redis.port);
      const node = await NodeProcess.start(name, {
        NODE_ENV: 'production',
        HOST: '127.0.0.1',
        LOG_LEVEL: 'warn',
        JWT_SECRET: SECRET,
        DATABASE_URL: postgres.url(database.port),
        DATABASE_POOL_SIZE: '10',
        REDIS_URL: `redis://127.0.0.1:${toRedis.port}`,
      });
      const clients = await Proxy.start(() => node.port);
      stations.push({ node, clients, database, redis: toRedis });
    }
    return new World(postgres, redis, stations);
  }

  /** Of a node, through its proxy. */
  addressOf({ clients }: Station): string {
    return `http://127.0.0.1:${clients.port}/graphql`;
  }

  token(userId: string): Promise<string> {
    return new SignJWT({ exp: Math.floor(Date.now() / 1_000) + 7_200 })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(userId)
      .sign(new TextEncoder().encode(SECRET));
  }

  async stop(): Promise<void> {
    this.redis.signal('SIGCONT');
    this.postgres.signal('SIGCONT');
    for (const { clients, database, redis } of this.stations)
      for (const proxy of [clients, database, redis]) proxy.stop();
    await Promise.all(this.stations.map(({ node }) => node.stop()));
    await Promise.all([this.redis.remove(), this.postgres.remove()]);
  }
}
