import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { FrameWriter } from './live-operation.js';
import type { TextMessage } from './text-frames.js';
import { lengthOf, textFrames } from './text-frames.js';

/** A socket with more than this waiting is left behind until it has drained; its streams go on from the journal. */
const HIGH_WATER_BYTES = 256 * 1024;
/** Closes the object that a `next` message is. */
const END_OF_MESSAGE = Buffer.from('}');

/** Writes frames to one socket and tells when it can take more. */
export class SocketWriter {
  #full = false;
  /** Written in this turn. */
  #joining: TextMessage[] = [];
  #joiningBytes = 0;

  /** @param stream what the socket writes to */
  constructor(
    private readonly socket: WebSocket,
    private readonly stream: Duplex,
    private readonly onDrain: () => void,
  ) {
    stream.on('drain', () => {
      this.#drained();
    });
  }

  get ready(): boolean {
    return !this.#full && this.socket.readyState === this.socket.OPEN;
  }

  /** Resolves when the frame has left, also when the socket is gone by then. */
  send(frame: string): Promise<void> {
    return new Promise((resolve) => {
      if (this.socket.readyState !== this.socket.OPEN) {
        resolve();
        return;
      }
      this.#leave();
      this.socket.send(frame, () => {
        resolve();
        this.#drained();
      });
      this.#full = this.socket.bufferedAmount > HIGH_WATER_BYTES;
    });
  }

  forOperation(id: string): FrameWriter {
    const head = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
    return new OperationFrames(this, Buffer.from(head));
  }

  /** All that is written in one turn leaves in one piece: a system call for each event is most of what it costs. */
  write(message: TextMessage): void {
    if (this.#joining.push(message) === 1)
      process.nextTick(() => {
        this.#leave();
      });
    this.#joiningBytes += lengthOf(message);
    this.#full = this.#joiningBytes + this.socket.bufferedAmount > HIGH_WATER_BYTES;
  }

  /** What has not left when the socket closes is in the journal. */
  #leave(): void {
    if (this.#joining.length === 0) return;
    const messages = this.#joining;
    this.#joining = [];
    this.#joiningBytes = 0;
    if (this.socket.readyState !== this.socket.OPEN) return;
    // Straight to the stream: without compression, ws has nothing of its own waiting before it.
    this.stream.write(textFrames(messages));
    this.#full ||= this.socket.bufferedAmount > HIGH_WATER_BYTES;
    // What is gone at once is followed by no event that says so.
    this.#drained();
  }

  #drained(): void {
    if (!this.#full || this.socket.bufferedAmount > HIGH_WATER_BYTES / 2) return;
    this.#full = false;
    this.onDrain();
  }
}

/** A class: a literal with a getter would have a shape of its own for each operation, and a socket keeps it. */
class OperationFrames implements FrameWriter {
  constructor(
    private readonly writer: SocketWriter,
    private readonly head: Buffer,
  ) {}

  get ready(): boolean {
    return this.writer.ready;
  }

  next(payload: Buffer): void {
    this.writer.write([this.head, payload, END_OF_MESSAGE]);
  }
}
