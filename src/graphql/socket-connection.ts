import type { Socket } from 'node:net';
import type { WebSocket as ProtocolSocket, Server } from 'graphql-ws';
import { CloseCode } from 'graphql-ws';
import type { RawData } from 'ws';
import { WebSocket } from 'ws';
import type { Viewer } from '../auth/viewer.js';
import type { FrameWriter } from './live-operation.js';
import type { TextMessage } from './text-frames.js';
import { lengthOf, textFrames } from './text-frames.js';

/** A socket with more than this waiting is left behind until it has drained; its streams go on from the journal. */
const HIGH_WATER_BYTES = 256 * 1024;
/** Whoever has not said `connection_init` by then is turned away. */
const PATIENCE_MS = 3_000;
/** Closes the object that a `next` message is. */
const END_OF_MESSAGE = Buffer.from('}');

/** What becomes of all connections of a node. */
export interface ConnectionEvents {
  /** Whatever had waited has left: the connection can take more. */
  drained(connection: SocketConnection): void;
  /** A message could not be handled, through no fault of the client. */
  failed(connection: SocketConnection, error: unknown): void;
  closed(connection: SocketConnection): void;
}

/** A WebSocket that bears what we know of it, so that all sockets share their listeners. */
export class ClientSocket extends WebSocket {
  connection: SocketConnection;
}

/**
 * One client: graphql-ws speaks through it, live events are written through it, and what we know of the client is here. A node
 * holds many that do nothing, so there is one object for all of it, and no closure or timer that waits.
 */
export class SocketConnection implements ProtocolSocket {
  viewer: Viewer | null = null;
  /** Until the client says who it is. */
  #patience: NodeJS.Timeout | undefined;
  #onMessage: (text: string) => Promise<void>;
  #onClose: ReturnType<Server['opened']>;
  /** How much had come at the last look. */
  #bytesHeard = 0;
  #isFull = false;
  /** Written in this turn. */
  #joining: TextMessage[] | undefined;
  #joiningBytes = 0;

  /** @param stream what the socket writes to */
  constructor(
    readonly socket: ClientSocket,
    private readonly stream: Socket,
    private readonly events: ConnectionEvents,
  ) {}

  /** Begins to hear the client. */
  open(server: Server<SocketConnection>): void {
    this.socket.connection = this;
    this.#onClose = server.opened(this, this);
    this.socket.on('close', end);
    this.#patience = setTimeout(() => {
      this.close(CloseCode.ConnectionInitialisationTimeout, 'Connection initialisation timeout');
    }, PATIENCE_MS);
  }

  get protocol(): string {
    return this.socket.protocol;
  }

  get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  get ready(): boolean {
    return !this.#isFull && this.#joiningBytes <= HIGH_WATER_BYTES && this.isOpen;
  }

  /** Whether anything has come since the last look. */
  isAlive(): boolean {
    const { bytesRead } = this.stream;
    const hasSpoken = bytesRead > this.#bytesHeard;
    this.#bytesHeard = bytesRead;
    return hasSpoken;
  }

  /** The client has said who it is: it need not any more. */
  heardWho(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
  }

  onMessage(listener: (text: string) => Promise<void>): void {
    this.#onMessage = listener;
    this.socket.on('message', hear);
  }

  async hear(data: RawData): Promise<void> {
    try {
      await this.#onMessage(textOf(data));
    } catch (error) {
      this.events.failed(this, error);
    }
  }

  /** Resolves when the frame has left, also when the socket is gone by then. */
  send(frame: string): Promise<void> {
    return new Promise((resolve) => {
      if (!this.isOpen) {
        resolve();
        return;
      }
      this.#leave();
      this.socket.send(frame, () => {
        resolve();
      });
      this.#watchWater();
    });
  }

  close(code?: number, reason?: string): void {
    this.socket.close(code, reason);
  }

  ended(code: number, reason: string): void {
    this.heardWho();
    this.events.closed(this);
    void this.#onClose(code, reason);
  }

  forOperation(id: string): FrameWriter {
    return new OperationFrames(this, id);
  }

  /** All that is written in one turn leaves in one piece: a system call for each event is most of what it costs. */
  write(message: TextMessage): void {
    if (this.#joining === undefined) {
      this.#joining = [];
      process.nextTick(() => {
        this.#leave();
      });
    }
    this.#joining.push(message);
    this.#joiningBytes += lengthOf(message);
  }

  /** What has not left when the socket closes is in the journal. */
  #leave(): void {
    if (this.#joining === undefined) return;
    const messages = this.#joining;
    const heldUp = this.#joiningBytes > HIGH_WATER_BYTES;
    this.#joining = undefined;
    this.#joiningBytes = 0;
    if (!this.isOpen) return;
    // Straight to the stream: without compression, ws has nothing of its own waiting before it.
    this.stream.write(textFrames(messages));
    this.#watchWater();
    if (heldUp && !this.#isFull) this.events.drained(this);
  }

  #watchWater(): void {
    if (this.#isFull || this.socket.bufferedAmount <= HIGH_WATER_BYTES) return;
    this.#isFull = true;
    this.stream.once('drain', () => {
      this.#isFull = false;
      this.events.drained(this);
    });
  }
}

class OperationFrames implements FrameWriter {
  /** Made with the first event, for which many wait long. */
  #head: Buffer | undefined;

  constructor(
    private readonly connection: SocketConnection,
    private readonly id: string,
  ) {}

  get ready(): boolean {
    return this.connection.ready;
  }

  next(payload: Buffer): void {
    this.#head ??= Buffer.from(`{"id":${JSON.stringify(this.id)},"type":"next","payload":`);
    this.connection.write([this.#head, payload, END_OF_MESSAGE]);
  }
}

function hear(this: WebSocket, data: RawData): void {
  void (this as ClientSocket).connection.hear(data);
}

function end(this: WebSocket, code: number, reason: Buffer): void {
  (this as ClientSocket).connection.ended(code, reason.toString());
}

const textOf = (data: RawData): string =>
  Buffer.isBuffer(data)
    ? data.toString()
    : Array.isArray(data)
      ? Buffer.concat(data).toString()
      : Buffer.from(data).toString();
