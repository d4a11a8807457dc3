import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { FrameWriter } from './live-operation.js';

/** A socket with more than this waiting is left behind until it has drained; its streams go on from the journal. */
const HIGH_WATER_BYTES = 256 * 1024;

/** Writes frames to one socket and tells when it can take more. */
export class SocketWriter {
  #full = false;
  #isJoining = false;

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
      this.socket.send(frame, () => {
        resolve();
        this.#drained();
      });
      this.#full = this.socket.bufferedAmount > HIGH_WATER_BYTES;
    });
  }

  forOperation(id: string): FrameWriter {
    return new OperationFrames(this, `{"id":${JSON.stringify(id)},"type":"next","payload":`);
  }

  /** All that is written in one turn leaves in one piece: a system call for each event is most of what it costs. */
  write(frame: string): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    if (!this.#isJoining) {
      this.#isJoining = true;
      this.stream.cork();
      process.nextTick(() => {
        this.#isJoining = false;
        this.stream.uncork();
      });
    }
    this.socket.send(frame);
    this.#full = this.socket.bufferedAmount > HIGH_WATER_BYTES;
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
    private readonly head: string,
  ) {}

  get ready(): boolean {
    return this.writer.ready;
  }

  next(payload: string): void {
    this.writer.write(`${this.head}${payload}}`);
  }
}
