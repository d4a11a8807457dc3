import { fileURLToPath } from 'node:url';
import type { DatabaseName } from './databases.js';
import type { HttpConnection } from './load/http-connection.js';
import { postRequest } from './load/http-connection.js';
import type { ProtocolName } from './protocols/index.js';
import { SECRET, tokenOf } from './protocols/parley.js';
import { user } from './data/ids.js';
import { ServerProcess, type ServerOptions } from './server-process.js';

/** A program that is measured, however it is spoken to. */
export type SystemName = 'parley' | 'raw' | 'socket.io' | 'tutorial';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export const systemOf = (protocol: ProtocolName): SystemName =>
  protocol === 'raw-sockets' ? 'raw' : protocol;

export interface SystemSettings {
  readonly notifier: boolean;
  urlOf(name: DatabaseName): string;
}

/** As it ships; only the sockets of one person may be more, because all that follow a thread belong to its two people. */
const parleyEnvironment = ({ notifier, urlOf }: SystemSettings): Record<string, string> => ({
  HOST: '127.0.0.1',
  LOG_LEVEL: 'warn',
  DATABASE_URL: urlOf('parley'),
  JWT_SECRET: SECRET,
  DEMO: 'false',
  PLAYGROUND: 'false',
  NOTIFIER: String(notifier),
  MAX_SOCKETS_PER_PERSON: '100000',
});

/** A person's first question is answered. */
async function parleyAnswers(connection: HttpConnection): Promise<boolean> {
  const { status, body } = await connection.ask(
    postRequest('/graphql', '{"query":"{ viewer { user { id } } }"}', {
      authorization: `Bearer ${tokenOf(user(0))}`,
    }),
  );
  return status === 200 && body.includes(user(0));
}

function optionsOf(name: SystemName, settings: SystemSettings): ServerOptions {
  const plain = { DATABASE_URL: settings.urlOf('limits') };
  switch (name) {
    case 'parley':
      return {
        name,
        script: at('../../dist/main.js'),
        environment: parleyEnvironment(settings),
        answers: parleyAnswers,
      };
    case 'raw':
      return { name, script: at('./limits/raw-server.mjs'), environment: plain };
    case 'socket.io':
      return { name, script: at('./rivals/socket-io.mjs'), environment: plain };
    case 'tutorial':
      return { name, script: at('./rivals/tutorial/dist/main.js'), environment: plain };
  }
}

/** The servers of a benchmark. Each is started when it is needed first, and idles while the others are measured. */
export class Systems {
  readonly #running = new Map<SystemName, Promise<ServerProcess>>();

  constructor(private readonly settings: SystemSettings) {}

  get(name: SystemName): Promise<ServerProcess> {
    const running = this.#running.get(name) ?? this.startAnother(name);
    this.#running.set(name, running);
    return running;
  }

  /** For a single measurement; whoever asks stops it. */
  startAnother(name: SystemName, nodeOptions: readonly string[] = []): Promise<ServerProcess> {
    return ServerProcess.start({ ...optionsOf(name, this.settings), nodeOptions });
  }

  /** Parley from its modules instead of the bundle, so that a profile can name them. */
  startModules(nodeOptions: readonly string[]): Promise<ServerProcess> {
    const script = at('../../dist/start.js');
    return ServerProcess.start({ ...optionsOf('parley', this.settings), script, nodeOptions });
  }

  async stop(): Promise<void> {
    const running = await Promise.allSettled(this.#running.values());
    this.#running.clear();
    await Promise.all(
      running.map(async (each) => {
        if (each.status === 'fulfilled') await each.value.stop();
      }),
    );
  }
}
