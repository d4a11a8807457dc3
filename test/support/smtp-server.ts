import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';
import type { SMTPServerOptions } from 'smtp-server';
import { SMTPServer } from 'smtp-server';

/** A mail as it arrived. */
export interface ReceivedMail {
  readonly to: string[];
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
  readonly html: string;
}

/** What a real mail server does with the next mails. */
export type Behaviour =
  | 'accept'
  /** 550 for every recipient. */
  | 'bounce'
  /** 554 for the content. */
  | 'refuse'
  /** 451 for every recipient. */
  | 'defer'
  /** 421 for the content, and the end of the connection. */
  | 'close'
  /** Takes the whole mail and never answers. */
  | 'hang-after-mail'
  /** Never answers the recipient. */
  | 'hang-in-between';

/** A mail server that keeps what it accepts. */
export class MailServer {
  readonly received: ReceivedMail[] = [];
  /** Mails whose last line has come, whatever was answered. */
  completed = 0;
  attempts = 0;
  behaviour: Behaviour = 'accept';
  /** Called at the recipient, before it is answered: the mail's content has not come yet. */
  onRecipient: () => Promise<void> | void = () => undefined;
  /** Called when the whole mail is here, before it is answered. */
  onMail: () => Promise<void> | void = () => undefined;
  readonly #server: SMTPServer;

  constructor() {
    const options: SMTPServerOptions = {
      disabledCommands: ['AUTH', 'STARTTLS'],
      disableReverseLookup: true,
      logger: false,
      closeTimeout: 100,
      onConnect: (_session, done) => {
        this.attempts += 1;
        done();
      },
      onRcptTo: (_address, _session, done) => {
        void Promise.resolve(this.onRecipient()).then(() => {
          if (this.behaviour === 'hang-in-between') return;
          done(
            this.behaviour === 'bounce'
              ? reply(550, 'no such mailbox')
              : this.behaviour === 'defer'
                ? reply(451, 'try again later')
                : null,
          );
        });
      },
      onData: (stream, session, done) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.once('end', () => {
          this.completed += 1;
          if (this.behaviour === 'refuse' || this.behaviour === 'close') {
            done(this.behaviour === 'refuse' ? reply(554, 'not here') : reply(421, 'not now'));
            return;
          }
          const to = session.envelope.rcptTo.map(({ address }) => address);
          this.received.push(parse(to, Buffer.concat(chunks).toString()));
          void Promise.resolve(this.onMail()).then(() => {
            if (this.behaviour !== 'hang-after-mail') done();
          });
        });
      },
    };
    this.#server = new SMTPServer(options);
    this.#server.on('error', () => undefined);
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server.server, 'listening');
  }

  get url(): string {
    return `smtp://127.0.0.1:${(this.#server.server.address() as AddressInfo).port}`;
  }

  to(address: string): ReceivedMail[] {
    return this.received.filter((mail) => mail.to.includes(address));
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }
}

/** Something that takes connections and never says a word. */
export async function startSilentServer(): Promise<{ url: string; close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const reply = (responseCode: number, message: string): Error =>
  Object.assign(new Error(message), { responseCode });

/** Enough of MIME for what parley writes: multipart/alternative of text and HTML. */
function parse(to: string[], raw: string): ReceivedMail {
  const { headers, body } = split(raw);
  const boundary = /boundary="([^"]+)"/.exec(headers.get('content-type') ?? '')?.[1] ?? '';
  const parts = body
    .split(`--${boundary}`)
    .slice(1, -1)
    .map((part) => split(part.trimStart()));
  const contentOf = (type: string): string => {
    const part = parts.find((each) => each.headers.get('content-type')?.startsWith(type));
    return part === undefined ? '' : decode(part);
  };
  return { to, headers, text: contentOf('text/plain'), html: contentOf('text/html') };
}

interface Part {
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

function split(raw: string): Part {
  const [head = '', ...rest] = raw.split('\r\n\r\n');
  const lines = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n');
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), decodeWords(line.slice(colon + 1).trim())];
    }),
  );
  return { headers, body: rest.join('\r\n\r\n') };
}

function decode({ headers, body }: Part): string {
  if (headers.get('content-transfer-encoding') === 'base64')
    return Buffer.from(body, 'base64').toString();
  const bytes = body
    .replace(/=\r\n/g, '')
    .replace(/=([\dA-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString().replaceAll('\r\n', '\n');
}

/** RFC 2047, adjacent words joined. */
const decodeWords = (value: string): string =>
  value
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?utf-8\?([bq])\?([^?]*)\?=/gi, (_, kind: string, text: string) =>
      kind.toLowerCase() === 'b'
        ? Buffer.from(text, 'base64').toString()
        : Buffer.from(
            text
              .replaceAll('_', ' ')
              .replace(/=([\dA-F]{2})/g, (__, hex: string) =>
                String.fromCharCode(parseInt(hex, 16)),
              ),
            'latin1',
          ).toString(),
    );
