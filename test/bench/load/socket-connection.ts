import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { openSocketTo } from './http-connection.js';

interface Frame {
  readonly opcode: number;
  readonly isLast: boolean;
  readonly payload: Buffer;
  /** Where the next one begins. */
  readonly end: number;
}

const HEAD_END = '\r\n\r\n';
const CONTINUATION = 0;
const TEXT = 1;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

/** A WebSocket that hands on texts as the bytes that came: a thousand of them share one core with the server. */
export class SocketConnection {
  #received: Buffer = Buffer.alloc(0);
  #parts: Buffer[] = [];
  #isUpgraded = false;
  isClosed = false;

  private constructor(
    private readonly socket: Socket,
    private readonly onText: (text: Buffer) => void,
    private readonly onUpgrade: (error?: Error) => void,
  ) {
    socket.on('data', (data) => this.#take(data));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isClosed = true;
      onUpgrade(new Error('the server closed the socket'));
    });
  }

  static async open(
    port: number,
    path: string,
    subprotocol: string | undefined,
    onText: (text: Buffer) => void,
  ): Promise<SocketConnection> {
    const socket = await openSocketTo(port);
    return new Promise((resolve, reject) => {
      const connection = new SocketConnection(socket, onText, (error) => {
        if (error === undefined) resolve(connection);
        else reject(error);
      });
      socket.write(
        `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nupgrade: websocket\r\nconnection: Upgrade\r\n` +
          `sec-websocket-version: 13\r\nsec-websocket-key: ${randomBytes(16).toString('base64')}\r\n` +
          `${subprotocol === undefined ? '' : `sec-websocket-protocol: ${subprotocol}\r\n`}\r\n`,
      );
    });
  }

  send(text: string): void {
    this.#write(TEXT, Buffer.from(text));
  }

  close(): void {
    this.socket.destroy();
  }

  #take(data: Buffer): void {
    let bytes = this.#received.length === 0 ? data : Buffer.concat([this.#received, data]);
    if (!this.#isUpgraded) {
      const headEnd = bytes.indexOf(HEAD_END);
      if (headEnd >= 0) this.#upgrade(bytes.toString('latin1', 0, headEnd));
      bytes = headEnd < 0 ? bytes : bytes.subarray(headEnd + HEAD_END.length);
    }
    this.#received = this.#isUpgraded ? this.#handleAll(bytes) : bytes;
  }

  #upgrade(head: string): void {
    if (head.startsWith('HTTP/1.1 101')) {
      this.#isUpgraded = true;
      this.onUpgrade();
    } else {
      this.onUpgrade(new Error(`no socket: ${head.split('\r\n', 1)[0] ?? ''}`));
      this.close();
    }
  }

  /** @returns what is left of a frame that has not come whole */
  #handleAll(bytes: Buffer): Buffer {
    let start = 0;
    for (let frame = frameAt(bytes, start); frame; frame = frameAt(bytes, start)) {
      start = frame.end;
      this.#handle(frame);
    }
    return bytes.subarray(start);
  }

  #handle({ opcode, isLast, payload }: Frame): void {
    if (opcode === PING) this.#write(PONG, payload);
    else if (opcode === CLOSE) {
      this.isClosed = true;
      this.socket.end();
    } else if (opcode === TEXT || opcode === CONTINUATION) {
      if (isLast && this.#parts.length === 0) this.onText(payload);
      else {
        // A copy: what was received is dropped once the frame is handled.
        this.#parts.push(Buffer.from(payload));
        if (!isLast) return;
        const text = Buffer.concat(this.#parts);
        this.#parts = [];
        this.onText(text);
      }
    }
  }

  #write(opcode: number, payload: Buffer): void {
    const size = payload.length;
    // Clients must mask; with a mask of zeros the payload goes as it is.
    const head =
      size < 126
        ? [0x80 | opcode, 0x80 | size, 0, 0, 0, 0]
        : [0x80 | opcode, 0x80 | 126, size >> 8, size & 255, 0, 0, 0, 0];
    this.socket.write(Buffer.concat([Buffer.from(head), payload]));
  }
}

function frameAt(bytes: Buffer, start: number): Frame | undefined {
  const left = bytes.length - start;
  if (left < 2) return undefined;
  const first = bytes[start]!;
  const short = bytes[start + 1]! & 127;
  const head = short === 127 ? 10 : short === 126 ? 4 : 2;
  if (left < head) return undefined;
  const size =
    short === 127
      ? Number(bytes.readBigUInt64BE(start + 2))
      : short === 126
        ? bytes.readUInt16BE(start + 2)
        : short;
  const end = start + head + size;
  if (bytes.length < end) return undefined;
  const payload = bytes.subarray(start + head, end);
  return { opcode: first & 15, isLast: (first & 128) !== 0, payload, end };
}
