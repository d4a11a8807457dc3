import { WebSocket } from 'ws';
import type { ClientError } from './http-client.js';

export interface Frame {
  readonly id?: string;
  readonly type: string;
  readonly payload?: any;
}

const PATIENCE_MS = 10_000;

/** Frames of one operation, kept until the test asks for them: nothing is missed and nobody sleeps. */
export class Subscription {
  readonly #frames: Frame[] = [];
  #wake: (() => void) | undefined;

  constructor(
    readonly id: string,
    private readonly socket: SocketClient,
    /** Errors of a query may come as its answer; those of a subscription end it. */
    private readonly isSubscription = false,
  ) {}

  push(frame: Frame): void {
    this.#frames.push(frame);
    this.#wake?.();
  }

  /** The next frame, whatever it is. */
  async frame(): Promise<Frame> {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      const left = end - Date.now();
      if (left <= 0) throw new Error('No frame came.');
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** The data of the next event; fails on anything else. */
  async next(): Promise<any> {
    const frame = await this.frame();
    if (frame.type !== 'next' || frame.payload.errors !== undefined)
      throw new Error(`Expected an event, got ${JSON.stringify(frame)}`);
    return frame.payload.data;
  }

  async take(count: number): Promise<any[]> {
    const events = [];
    while (events.length < count) events.push(await this.next());
    return events;
  }

  /** The errors that ended the operation. */
  async errors(): Promise<readonly ClientError[]> {
    const frame = await this.frame();
    if (frame.type === 'error') return frame.payload as ClientError[];
    if (frame.type === 'next' && !this.isSubscription && frame.payload.errors !== undefined)
      return frame.payload.errors as ClientError[];
    throw new Error(`Expected an error, got ${JSON.stringify(frame)}`);
  }

  async refusal(): Promise<string> {
    return (await this.errors())[0]?.extensions.code ?? 'no error';
  }

  /** What has come and was not asked for. */
  get pending(): readonly Frame[] {
    return this.#frames;
  }

  stop(): void {
    this.socket.send({ id: this.id, type: 'complete' });
  }
}

/** A graphql-transport-ws client that queues what it gets. */
export class SocketClient {
  readonly #operations = new Map<string, Subscription>();
  readonly #control: Subscription;
  #count = 0;
  readonly closed: Promise<{ code: number; reason: string }>;

  private constructor(readonly ws: WebSocket) {
    this.#control = new Subscription('', this);
    ws.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString()) as Frame;
      (this.#operations.get(frame.id ?? '') ?? this.#control).push(frame);
      if (frame.type === 'complete' || frame.type === 'error')
        this.#operations.delete(frame.id ?? '');
    });
    ws.on('error', () => undefined);
    this.closed = new Promise((resolve) =>
      ws.on('close', (code, reason) => {
        resolve({ code, reason: reason.toString() });
      }),
    );
  }

  /** Connects without saying who it is. */
  static async connect(
    endpoint: string,
    headers: Record<string, string> = {},
  ): Promise<SocketClient> {
    const ws = new WebSocket(endpoint.replace(/^http/, 'ws'), 'graphql-transport-ws', { headers });
    const client = new SocketClient(ws);
    await new Promise((resolve, reject) => {
      ws.once('open', resolve);
      ws.once('error', reject);
    });
    return client;
  }

  static async open(endpoint: string, token: string): Promise<SocketClient> {
    const client = await SocketClient.connect(endpoint);
    client.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
    const frame = await Promise.race([client.#control.frame(), client.closed]);
    if (!('type' in frame) || frame.type !== 'connection_ack')
      throw new Error(`Expected connection_ack, got ${JSON.stringify(frame)}`);
    return client;
  }

  send(message: unknown): void {
    this.ws.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** A frame that belongs to no operation. */
  control(): Promise<Frame> {
    return this.#control.frame();
  }

  /** Starts an operation; for a subscription, events come from the answer of the server's journal on. */
  start(query: unknown, variables?: unknown, operationName?: string): Subscription {
    const id = `operation-${++this.#count}`;
    const isSubscription = typeof query === 'string' && /^\s*subscription\b/.test(query);
    const subscription = new Subscription(id, this, isSubscription);
    this.#operations.set(id, subscription);
    this.send({ id, type: 'subscribe', payload: { query, variables, operationName } });
    return subscription;
  }

  /** Drops what is kept of operations that were stopped. */
  forget(subscriptions: readonly Subscription[]): void {
    for (const { id } of subscriptions) this.#operations.delete(id);
  }

  /** Runs a query or a mutation. */
  run(query: string, variables?: unknown): Promise<any> {
    return this.start(query, variables).next();
  }

  /** Cuts the connection, as a lost network does. */
  cut(): void {
    this.ws.terminate();
  }

  async close(): Promise<void> {
    this.ws.close();
    const cut = setTimeout(() => {
      this.ws.terminate();
    }, 1_000);
    await this.closed;
    clearTimeout(cut);
  }
}
