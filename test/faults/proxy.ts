import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

/** A TCP proxy whose connections can be reset, cut and stalled. */
export class Proxy {
  readonly #pairs = new Set<Pair>();
  readonly #server: Server;
  #stalled = false;
  #refusing = false;

  private constructor(private readonly targetPort: () => number) {
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
  }

  static async start(targetPort: () => number): Promise<Proxy> {
    const proxy = new Proxy(targetPort);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ends connections without a goodbye: those for which `chosen` says so. */
  reset(chosen: () => boolean = () => true): void {
    for (const { client, server } of [...this.#pairs])
      if (chosen()) {
        client.resetAndDestroy();
        server.resetAndDestroy();
      }
  }

  /** Ends connections in order, as an idle time-out of a balancer does. */
  cut(chosen: () => boolean): void {
    for (const { client, server } of [...this.#pairs])
      if (chosen()) {
        client.end();
        server.end();
        setTimeout(() => {
          client.destroy();
          server.destroy();
        }, 100);
      }
  }

  /** Keeps the connections and forwards nothing: a dead link that nobody has noticed. */
  stall(): void {
    this.#stalled = true;
    for (const { client, server } of this.#pairs) {
      client.pause();
      server.pause();
    }
  }

  flow(): void {
    this.#stalled = false;
    for (const { client, server } of this.#pairs) {
      client.resume();
      server.resume();
    }
  }

  refuse(refusing: boolean): void {
    this.#refusing = refusing;
  }

  stop(): void {
    this.#server.close();
    this.reset();
  }

  #accept(client: Socket): void {
    if (this.#refusing) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ host: '127.0.0.1', port: this.targetPort(), allowHalfOpen: true });
    const pair = { client, server };
    this.#pairs.add(pair);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.setNoDelay(true);
      from.on('data', (data) => {
        if (!to.write(data)) from.pause();
      });
      to.on('drain', () => {
        if (!this.#stalled) from.resume();
      });
      from.on('end', () => to.end());
      from.on('error', () => {
        to.destroy();
      });
      from.on('close', () => {
        to.destroy();
        this.#pairs.delete(pair);
      });
      if (this.#stalled) from.pause();
    }
  }
}
