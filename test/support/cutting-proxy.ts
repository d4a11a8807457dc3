import type { AddressInfo, Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

/** A TCP proxy that does to connections what networks do, when a test says so. */
export class CuttingProxy {
  readonly #pairs = new Set<readonly [client: Socket, server: Socket]>();
  readonly #server: Server;
  readonly #stalled = new Set<readonly [client: Socket, server: Socket]>();
  #refusing = false;
  #swallowing = false;
  /** Connections that were turned away. */
  refused = 0;
  /** Connections that were let through, ever. */
  accepted = 0;

  private constructor(private readonly target: URL) {
    this.#server = createServer((socket) => {
      this.#accept(socket);
    });
  }

  /** @param target where the proxied server listens */
  static async start(target: string): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(new URL(target));
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** `host:port` of the proxy. */
  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Connections that stand. */
  get open(): number {
    return this.#pairs.size;
  }

  /** @returns how many connections this reset */
  cut(): number {
    const pairs = [...this.#pairs];
    for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy();
    this.#pairs.clear();
    return pairs.length;
  }

  /** Nothing more passes over the connections that stand, and nobody is told. */
  stall(): void {
    for (const pair of this.#pairs) {
      this.#stalled.add(pair);
      for (const socket of pair) socket.unpipe().pause();
    }
  }

  /** Lets what stall() holds back through. */
  flow(): void {
    for (const [client, server] of this.#stalled) client.pipe(server).pipe(client);
    this.#stalled.clear();
  }

  /** Lets whoever comes in and answers nothing, until admit(): so does a machine that hangs. */
  swallow(): void {
    this.#swallowing = true;
  }

  /** Turns away whoever comes, until admit(). */
  refuse(): void {
    this.#refusing = true;
  }

  admit(): void {
    this.#refusing = false;
    this.#swallowing = false;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }

  #accept(client: Socket): void {
    if (this.#refusing) {
      this.refused += 1;
      client.resetAndDestroy();
      return;
    }
    this.accepted += 1;
    const server = connect(Number(this.target.port), this.target.hostname);
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    for (const socket of pair) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#pairs.delete(pair);
        this.#stalled.delete(pair);
        for (const either of pair) either.destroy();
      });
    }
    if (!this.#swallowing) client.pipe(server).pipe(client);
  }
}
