import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect } from 'node:net';

const PATIENCE_MS = 10_000;

export interface RawRequest {
  readonly method?: string;
  readonly path?: string;
  readonly version?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What a client writes, as its head and its body. */
export function rawRequest({
  method = 'POST',
  path = '/graphql',
  version = '1.1',
  headers = {},
  body = '',
}: RawRequest): [head: string, body: string] {
  const length =
    method === 'POST' && headers['transfer-encoding'] === undefined
      ? { 'content-length': String(Buffer.byteLength(body)) }
      : {};
  const lines = Object.entries({ host: 'parley', ...length, ...headers });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return [`${method} ${path} HTTP/${version}\r\n${head}\r\n`, body];
}

/** A connection on which a test writes what it likes, in the pieces that it likes. */
export class RawConnection {
  #received = '';

  private constructor(private readonly socket: Socket) {
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => (this.#received += text));
    socket.on('error', () => undefined);
  }

  static async open(url: string): Promise<RawConnection> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname).setNoDelay();
    await once(socket, 'connect');
    return new RawConnection(socket);
  }

  write(...pieces: string[]): void {
    this.socket.write(pieces.join(''));
  }

  /** The next answer to the byte, but for the time in it. */
  async answer(): Promise<string> {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    for (;;) {
      const answer = wholeAnswer(this.#received);
      if (answer !== undefined) {
        this.#received = this.#received.slice(answer.length);
        return answer.replace(/\r\nDate: [^\r]+/i, '');
      }
      if (this.socket.closed) throw new Error(`The connection ended after: ${this.#received}`);
      await Promise.race(['data', 'close'].map((event) => once(this.socket, event, { signal })));
    }
  }

  /** Ends it, whatever is under way. */
  cut(): void {
    this.socket.destroy();
  }
}

function wholeAnswer(text: string): string | undefined {
  const bodyAt = text.indexOf('\r\n\r\n') + 4;
  if (bodyAt < 4) return undefined;
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, bodyAt))?.[1];
  const end = bodyAt + Number(length ?? 0);
  return text.length < end ? undefined : text.slice(0, end);
}
