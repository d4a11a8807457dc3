import { Cluster, Redis } from 'ioredis';
import type { RedisOptions } from 'ioredis';

/** How long a command may take; what takes longer is given up, and the connection with it. */
const COMMAND_MS = 1_000;
const CONNECT_MS = 2_000;
const MAX_RETRY_MS = 1_000;

const again = (times: number): number =>
  Math.min(50 * 2 ** Math.min(times, 6), MAX_RETRY_MS) * (0.75 + Math.random() / 2);

/** Nothing is queued while the server is away, nothing is sent twice: whoever asks gets an error at once instead. */
const OPTIONS = {
  connectTimeout: CONNECT_MS,
  commandTimeout: COMMAND_MS,
  socketTimeout: 2 * COMMAND_MS,
  keepAlive: 5_000,
  disconnectTimeout: 200,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  disableClientInfo: true,
} as const satisfies RedisOptions;

/** Hears why there is no connection: a command that finds none only says that it is closed. */
export type Complain = (error: Error) => void;

function hear<Client extends Redis | Cluster>(client: Client, complain: Complain): Client {
  // What a cluster says of itself is why it gave up; why a node refused is in it.
  client.on('error', (error: Error & { lastNodeError?: Error }) => {
    complain(error.lastNodeError ?? error);
  });
  return client;
}

/** @throws when the server does not answer, with the cause */
export async function isCluster(url: string): Promise<boolean> {
  let cause: Error | undefined;
  const client = hear(
    new Redis(url, { ...OPTIONS, lazyConnect: true, retryStrategy: () => null }),
    (error) => (cause ??= error),
  );
  try {
    await client.connect();
    return /^cluster_enabled:1\r?$/m.test(await client.info('cluster'));
  } catch (error) {
    throw cause ?? error;
  } finally {
    if (client.status !== 'end') client.disconnect();
  }
}

export const connectToServer = (url: string, name: string, complain: Complain): Redis =>
  hear(new Redis(url, { ...OPTIONS, connectionName: name, retryStrategy: again }), complain);

export function connectToCluster(url: string, name: string, complain: Complain): Cluster {
  const { hostname, port, username, password, protocol } = new URL(url);
  const { enableOfflineQueue: _, ...options } = OPTIONS;
  return hear(
    new Cluster([{ host: hostname, port: Number(port || 6379) }], {
      shardedSubscribers: true,
      enableOfflineQueue: false,
      maxRedirections: 3,
      slotsRefreshTimeout: COMMAND_MS,
      slotsRefreshInterval: 2_000,
      clusterRetryStrategy: again,
      redisOptions: {
        ...options,
        connectionName: name,
        ...(username === '' ? {} : { username: decodeURIComponent(username) }),
        ...(password === '' ? {} : { password: decodeURIComponent(password) }),
        ...(protocol === 'rediss:' ? { tls: {} } : {}),
      },
    }),
    complain,
  );
}
