import type { Socket } from 'node:net';
import type { GraphQLError } from 'graphql';
import type { Context, WebSocket as ProtocolSocket, Server } from 'graphql-ws';
import { CloseCode, MessageType, stringifyMessage } from 'graphql-ws';
import type { RawData } from 'ws';
import { WebSocket } from 'ws';
import type { Viewer } from '../auth/viewer.js';
import { isPing, isServersOwn, isText, messageOf } from './client-messages.js';
import type { LiveOperation, LiveSocket } from './live-socket.js';
import type { Told } from './text-frames.js';
import { LentFrames, closeReason, firstOf } from './text-frames.js';

/** A socket with more than this waiting is left behind until it has drained; its streams go on from the journal. */
const HIGH_WATER_BYTES = 256 * 1024;
/** A client that lets more wait than this does not read the answers that it asks for, and is cut off. */
const MOST_BYTES = 16 * 1024 * 1024;
/** So is one that takes nothing of what waits for so long, or twice as long: the stream looks that often. */
const STALLED_MS = 15_000;
/** Whoever has not said `connection_init` by then is turned away. */
const PATIENCE_MS = 3_000;
/** As ws closes a text frame that is no UTF-8 (RFC 6455, section 7.4.1). */
const NOT_TEXT = 1007;

/** Of all sockets of a node: one is written after the other. */
const frames = new LentFrames();

/** What becomes of all connections of a node. */
export interface ConnectionEvents {
  /** Whatever had waited has left: the connection can take more. */
  drained(connection: SocketConnection): void;
  /** A message could not be handled, through no fault of the client. */
  failed(connection: SocketConnection, error: unknown): void;
  /** @param message as it was parsed, or its text where it is no JSON object */
  handled(message: unknown): void;
  closed(connection: SocketConnection): void;
}

export type SocketContext = Context<Record<string, unknown>, SocketConnection>;

/** A WebSocket that bears what we know of it, so that all sockets share their listeners. */
export class ClientSocket extends WebSocket {
  connection: SocketConnection;
}

/**
 * One client: graphql-ws speaks through it, live events are written through it, and what we know of the client is here. A node
 * holds many that do nothing, so there is one object for all of it, and no closure or timer that waits.
 */
export class SocketConnection implements ProtocolSocket, LiveSocket {
  /** Those that something is written to in this turn. */
  static #told: SocketConnection[] = [];

  viewer: Viewer | null = null;
  /** graphql-ws's, once the client has said who it is. */
  context: SocketContext | null = null;
  /** Operations that are prepared or executed still, although the client has ended them. */
  abandoned = 0;
  /** Until the client says who it is. */
  #patience: NodeJS.Timeout | undefined;
  #onMessage: (text: string) => Promise<void>;
  #onClose: ReturnType<Server['opened']>;
  /** How much had come at the last look. */
  #bytesHeard = 0;
  /** Nothing is read of the client meanwhile: it must take what it has asked for before it asks for more. */
  #isFull = false;
  /** Written in this turn. */
  #joining: Told[] | undefined;
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

  /** Whether anything has come since the last look. Who is full cannot be heard, and is watched by the stream's own clock. */
  isAlive(): boolean {
    if (this.#isFull) return true;
    const { bytesRead } = this.stream;
    const hasSpoken = bytesRead > this.#bytesHeard;
    this.#bytesHeard = bytesRead;
    return hasSpoken;
  }

  /** Asks the client to say that it is there. */
  ping(): void {
    // It would wait behind all else, and set the stream's clock back.
    if (!this.#isFull) this.socket.ping();
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

  async hear(data: RawData, isBinary: boolean): Promise<void> {
    if (!isText(data, isBinary)) {
      this.close(NOT_TEXT, 'Invalid UTF-8');
      return;
    }
    const message = messageOf(data);
    if (isServersOwn(message)) {
      this.close(CloseCode.BadRequest, 'Invalid message received');
      return;
    }
    try {
      // graphql-ws parses what is a text, and takes what is parsed as it is, although its type names texts alone.
      await this.#onMessage(message as string);
    } catch (error) {
      // A pong says what the ping said, which may be nested too deep to be written.
      if (isPing(message)) this.close(CloseCode.BadRequest, 'Invalid message received');
      else this.events.failed(this, error);
    } finally {
      this.events.handled(message);
    }
  }

  /** Resolves at once: graphql-ws must not find another operation under an id after it has waited for a slow reader. */
  send(frame: string): Promise<void> {
    if (this.isOpen) {
      this.#leave();
      this.socket.send(frame);
      if (this.socket.bufferedAmount > MOST_BYTES) this.socket.terminate();
      else this.#watchWater();
    }
    return Promise.resolve();
  }

  sent(): Promise<void> {
    if (this.#joining === undefined && (this.stream.writableLength === 0 || !this.isOpen))
      return Promise.resolve();
    return new Promise((resolve) => {
      this.#leave();
      this.stream.write('', () => {
        resolve();
      });
    });
  }

  close(code?: number, reason?: string): void {
    this.socket.close(code, reason === undefined ? undefined : closeReason(reason));
  }

  ended(code: number, reason: string): void {
    this.heardWho();
    this.events.closed(this);
    void this.#onClose(code, reason);
  }

  fail(operation: LiveOperation, errors: readonly GraphQLError[]): void {
    const { id } = operation;
    const subscriptions = this.context?.subscriptions;
    if (subscriptions?.[id] === operation) Reflect.deleteProperty(subscriptions, id);
    const payload = errors.map((error) => error.toJSON());
    void this.send(stringifyMessage({ id, type: MessageType.Error, payload }));
  }

  /** All that is written in one turn leaves in one piece: a system call for each event is most of what it costs. */
  write(told: Told): number {
    const { head, bodies } = told;
    const { count, bytes } = firstOf(told, HIGH_WATER_BYTES - this.#joiningBytes);
    if (bytes === 0) return count;
    if (this.#joining === undefined) {
      this.#joining = [];
      if (SocketConnection.#told.push(this) === 1) process.nextTick(SocketConnection.#leaveAll);
    }
    // The very same array, where it is whole: it tells that others are told the same.
    this.#joining.push(count < bodies.length ? { head, bodies: bodies.slice(0, count) } : told);
    this.#joiningBytes += bytes;
    return count;
  }

  static readonly #leaveAll = (): void => {
    const told = SocketConnection.#told;
    SocketConnection.#told = [];
    for (const connection of told) connection.#leave();
  };

  /** What has not left when the socket closes is in the journal. */
  #leave(): void {
    if (this.#joining === undefined) return;
    const told = this.#joining;
    const heldUp = this.#joiningBytes > HIGH_WATER_BYTES;
    this.#joining = undefined;
    this.#joiningBytes = 0;
    if (!this.isOpen) return;
    // Straight to the stream: without compression, ws has nothing of its own waiting before it.
    this.stream.write(frames.of(told));
    // What the system has not taken at once waits where it is.
    if (this.stream.writableLength > 0) frames.giveAway();
    this.#watchWater();
    if (heldUp && !this.#isFull) this.events.drained(this);
  }

  #watchWater(): void {
    if (this.#isFull || this.socket.bufferedAmount <= HIGH_WATER_BYTES) return;
    this.#isFull = true;
    this.socket.pause();
    this.stream.setTimeout(STALLED_MS, cut);
    this.stream.once('drain', () => {
      this.#isFull = false;
      this.stream.setTimeout(0, cut);
      // It may speak again, and is given the time to.
      this.#bytesHeard = 0;
      this.socket.resume();
      this.events.drained(this);
    });
  }
}

function cut(this: Socket): void {
  this.destroy();
}

function hear(this: WebSocket, data: RawData, isBinary: boolean): void {
  void (this as ClientSocket).connection.hear(data, isBinary);
}

function end(this: WebSocket, code: number, reason: Buffer): void {
  (this as ClientSocket).connection.ended(code, reason.toString());
}
