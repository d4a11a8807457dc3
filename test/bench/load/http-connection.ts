import { connect, type Socket } from 'node:net';

export interface HttpAnswer {
  readonly status: number;
  readonly body: Buffer;
}

interface Waiting {
  resolve(answer: HttpAnswer): void;
  reject(error: Error): void;
}

const HEAD_END = '\r\n\r\n';

/** Keep-alive and one request at a time. It takes a fraction of fetch's CPU, of which the servers would have the less. */
export class HttpConnection {
  #socket: Socket;
  #waiting: Waiting | undefined;
  #received: Buffer = Buffer.alloc(0);

  private constructor(
    private readonly port: number,
    socket: Socket,
  ) {
    this.#socket = this.#listenTo(socket);
  }

  static async open(port: number): Promise<HttpConnection> {
    return new HttpConnection(port, await openSocketTo(port));
  }

  async ask(request: string): Promise<HttpAnswer> {
    // Servers close what nothing has been asked on for a while, Node.js's after 5 s.
    if (this.#socket.destroyed) this.#socket = this.#listenTo(await openSocketTo(this.port));
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#waiting = undefined;
    this.#socket.destroy();
  }

  #listenTo(socket: Socket): Socket {
    socket.on('data', (data) => this.#take(data));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the server closed the connection')));
    return socket;
  }

  #take(data: Buffer): void {
    this.#received = this.#received.length === 0 ? data : Buffer.concat([this.#received, data]);
    const answer = parse(this.#received);
    if (answer === undefined) return;
    this.#received = Buffer.alloc(0);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(answer);
  }

  #fail(error: Error): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(error);
  }
}

/** A plain connection to a server on this machine. */
export function openSocketTo(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/** The answer, once all of it is there. */
function parse(bytes: Buffer): HttpAnswer | undefined {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const head = bytes.toString('latin1', 0, headEnd);
  const body = bodyOf(head, bytes, headEnd + HEAD_END.length);
  return body && { status: Number(head.slice(9, 12)), body };
}

function bodyOf(head: string, bytes: Buffer, start: number): Buffer | undefined {
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) return unchunked(bytes, start);
  const end = start + Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
  return bytes.length < end ? undefined : bytes.subarray(start, end);
}

function unchunked(bytes: Buffer, start: number): Buffer | undefined {
  const parts: Buffer[] = [];
  for (let at = start; ;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = parseInt(bytes.toString('latin1', at, lineEnd), 16);
    const from = lineEnd + 2;
    if (bytes.length < from + size + 2) return undefined;
    if (size === 0) return Buffer.concat(parts);
    parts.push(bytes.subarray(from, from + size));
    at = from + size + 2;
  }
}

const lines = (headers: Readonly<Record<string, string>>): string =>
  Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');

export function postRequest(
  path: string,
  body: string,
  headers: Readonly<Record<string, string>>,
): string {
  const all = {
    host: '127.0.0.1',
    'content-type': 'application/json',
    accept: 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    ...headers,
  };
  return `POST ${path} HTTP/1.1\r\n${lines(all)}\r\n${body}`;
}

export const getRequest = (path: string, headers: Readonly<Record<string, string>>): string =>
  `GET ${path} HTTP/1.1\r\n${lines({ host: '127.0.0.1', accept: 'application/json', ...headers })}\r\n`;
