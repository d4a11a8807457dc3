import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface JwksAnswer {
  readonly status: number;
  readonly body: string;
}

/** A host of token keys, which answers what the test says; null: it cuts the connection. */
export class JwksHost {
  answer: JwksAnswer | null = null;
  readonly #server = createServer((request, response) => {
    if (this.answer === null) request.destroy();
    else response.writeHead(this.answer.status, { connection: 'close' }).end(this.answer.body);
  });

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/jwks`;
  }

  async close(): Promise<void> {
    this.#server.close();
    await once(this.#server, 'close');
  }
}
