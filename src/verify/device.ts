import { WebSocket } from 'ws';

const PROTOCOL = 'graphql-transport-ws';
const OPEN_MS = 3_000;
const PING_MS = 500;
/** A connection that has been silent for so long, pings unanswered, is taken for dead. */
const SILENCE_MS = 2_000;
const RETRY_MS = [20, 400] as const;

/** What a device is told of, as far as a report needs it. */
export interface LiveEvent {
  readonly __typename: string;
  readonly cursor: string;
  readonly unreadMessageCount: number;
  readonly unreadThreadCount: number;
  readonly message?: {
    readonly id: string;
    readonly threadId: string;
    readonly sequence: number;
    readonly body: string;
  };
}

export interface DeviceOptions {
  /** Asked at each connect, so that a device may go to any node. */
  readonly address: () => string;
  readonly token: string;
  readonly onEvent: (event: LiveEvent, device: Device) => void;
  /** False is the usual mistake: to come back without saying what one has. */
  readonly resumes?: boolean;
}

interface Frame {
  readonly type: string;
  readonly payload?: {
    readonly data?: { readonly inboxEvents: LiveEvent } | null;
    readonly errors?: readonly { readonly extensions?: { readonly code?: string } }[];
  };
}

const SUBSCRIPTION = `subscription ($after: String) { inboxEvents(after: $after) {
  __typename cursor unreadMessageCount unreadThreadCount
  ... on MessageAdded { message { id threadId sequence body } } } }`;

const between = ([least, most]: readonly [number, number]): number =>
  least + Math.random() * (most - least);

/** One live connection of a person: reconnects for ever and goes on behind the last event it has seen. */
export class Device {
  /** Behind the last event. */
  cursor: string | null = null;
  /** How often the server could not go on behind the cursor. */
  resyncs = 0;
  connects = 0;
  #socket: WebSocket | undefined;
  #retry: NodeJS.Timeout | undefined;
  #stopped = false;
  #live = false;

  constructor(private readonly options: DeviceOptions) {
    this.#connect();
  }

  /** Whether the subscription is running, as far as the device knows. */
  get live(): boolean {
    return this.#live;
  }

  /** Breaks the connection as a lost network does. */
  cut(): void {
    this.#socket?.terminate();
  }

  /** Reads nothing for a while, as a phone in a tunnel. */
  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.resume();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
    this.#socket?.terminate();
  }

  #connect(): void {
    this.connects += 1;
    const socket = new WebSocket(this.options.address().replace(/^http/, 'ws'), PROTOCOL, {
      handshakeTimeout: OPEN_MS,
      perMessageDeflate: false,
    });
    this.#socket = socket;
    let heardAt = Date.now();
    const pulse = setInterval(() => {
      if (socket.isPaused) heardAt = Date.now();
      if (Date.now() - heardAt > Math.max(SILENCE_MS, OPEN_MS)) socket.terminate();
      else if (socket.readyState === WebSocket.OPEN) socket.ping();
    }, PING_MS);
    const send = (frame: unknown): void => socket.send(JSON.stringify(frame), () => undefined);
    socket.on('pong', () => (heardAt = Date.now()));
    socket.on('open', () => {
      send({
        type: 'connection_init',
        payload: { authorization: `Bearer ${this.options.token}` },
      });
    });
    socket.on('message', (data: Buffer) => {
      // What was received before the end still comes after it.
      if (socket.readyState !== WebSocket.OPEN) return;
      heardAt = Date.now();
      this.#take(JSON.parse(data.toString()) as Frame, send, socket);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearInterval(pulse);
      this.#live = false;
      if (this.#stopped) return;
      this.#retry = setTimeout(() => {
        this.#connect();
      }, between(RETRY_MS));
    });
  }

  #take({ type, payload }: Frame, send: (frame: unknown) => void, socket: WebSocket): void {
    if (type === 'ping') send({ type: 'pong' });
    else if (type === 'connection_ack') this.#subscribe(send);
    else if (type === 'next' && payload?.data?.inboxEvents !== undefined) {
      const event = payload.data.inboxEvents;
      this.#live = true;
      this.cursor = event.cursor;
      this.options.onEvent(event, this);
    } else if (type === 'next' || type === 'error' || type === 'complete') {
      const errors = Array.isArray(payload) ? (payload as Frame[]) : payload?.errors;
      if (JSON.stringify(errors ?? null).includes('RESYNC_REQUIRED')) {
        this.resyncs += 1;
        this.cursor = null;
      }
      socket.terminate();
    }
  }

  #subscribe(send: (frame: unknown) => void): void {
    const after = this.options.resumes === false ? null : this.cursor;
    const payload = { query: SUBSCRIPTION, variables: { after } };
    send({ id: '1', type: 'subscribe', payload });
  }
}
