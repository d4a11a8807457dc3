import { isIPv4 } from 'node:net';
import { Readable } from 'node:stream';
import MailComposer from 'nodemailer/lib/mail-composer';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { reasonOf } from '../reasons.js';

/** A mail, written and addressed. */
export interface WrittenMail {
  readonly messageId: string;
  readonly from: { readonly name: string; readonly address: string };
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly references: string;
}

/** How an attempt ended. */
export type Verdict =
  | { readonly kind: 'ACCEPTED' }
  /** The server has said no, or was never given the whole mail: nobody has it. */
  | { readonly kind: 'REFUSED'; readonly isFinal: boolean; readonly error: string }
  /** The server was given the whole mail and has not answered: somebody may have it. */
  | { readonly kind: 'UNCONFIRMED'; readonly error: string }
  /** We did not want it sent after all. */
  | { readonly kind: 'CALLED_OFF' };

export interface SmtpServer {
  /** smtp:// or smtps:// */
  readonly url: string;
  /** For the whole conversation up to the end of the mail; nobody has it by then, so hurry costs nothing. */
  readonly timeoutMs: number;
}

/** The answer to the whole mail is waited for so many times longer, for who gives up does not know who has it. */
const LONGER = 10;

interface SmtpError extends Error {
  readonly responseCode?: number;
  readonly command?: string;
}

class CalledOff extends Error {}

/**
 * Gives one mail to the server. The line that ends it, which makes the server responsible for it, is only written once
 * `handOver` has said yes; before it, a broken connection means that nobody has the mail.
 * @param handOver true: the mail is handed over, whatever comes; false: it is called off, and the server forgets it
 * @param signal stops an attempt that is not handed over yet
 */
export async function deliver(
  server: SmtpServer,
  mail: WrittenMail,
  handOver: () => Promise<boolean>,
  signal: AbortSignal,
): Promise<Verdict> {
  const { content, envelope } = await write(mail);
  const connection = new SMTPConnection(optionsOf(server));
  let isHandedOver = false;
  let hurry: NodeJS.Timeout | undefined;
  let abort = (): void => undefined;
  const broken = new Promise<never>((_, reject) => {
    connection.on('error', reject);
    connection.once('end', () => {
      // With a 421 both come in one turn, and what the server has answered must be heard first: that it has not taken the mail.
      setImmediate(() => {
        reject(new Error('The mail server closed the connection.'));
      });
    });
    abort = () => {
      if (!isHandedOver) reject(new Error('This node is stopping.'));
    };
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    hurry = setTimeout(() => {
      if (!isHandedOver) reject(new Error('The mail server is too slow.'));
    }, server.timeoutMs);
  });
  broken.catch(() => undefined);
  async function* held(): AsyncGenerator<Buffer> {
    yield content;
    if (signal.aborted || !(await handOver())) throw new CalledOff('called off');
    isHandedOver = true;
  }
  try {
    await Promise.race([converse(connection, server, envelope, held()), broken]);
    connection.quit();
    return { kind: 'ACCEPTED' };
  } catch (error) {
    connection.close();
    return verdictOf(error as SmtpError, isHandedOver);
  } finally {
    clearTimeout(hurry);
    // The signal lives as long as the node, and would keep the mail.
    signal.removeEventListener('abort', abort);
  }
}

interface Envelope {
  readonly from: string;
  readonly to: string[];
}

async function write(mail: WrittenMail): Promise<{ content: Buffer; envelope: Envelope }> {
  const node = new MailComposer({
    ...mail,
    from: { ...mail.from },
    headers: { ...mail.headers },
    textEncoding: 'quoted-printable',
    disableFileAccess: true,
    disableUrlAccess: true,
  }).compile();
  const { from, to } = node.getEnvelope();
  return { content: await node.build(), envelope: { from: from === false ? '' : from, to } };
}

async function converse(
  connection: SMTPConnection,
  { url }: SmtpServer,
  envelope: Envelope,
  content: AsyncGenerator<Buffer>,
): Promise<void> {
  await answerOf((done) => {
    connection.connect(done);
  });
  const { username, password } = new URL(url);
  if (username !== '') {
    const auth = { user: decodeURIComponent(username), pass: decodeURIComponent(password) };
    await answerOf((done) => {
      connection.login(auth, done);
    });
  }
  await answerOf((done) => {
    connection.send(envelope, Readable.from(content), done);
  });
}

const answerOf = (ask: (done: (error?: Error | null) => void) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    ask((error) => {
      if (error) reject(error);
      else resolve();
    });
  });

function optionsOf({
  url,
  timeoutMs,
}: SmtpServer): ConstructorParameters<typeof SMTPConnection>[0] {
  const { protocol, hostname, port, password } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  return {
    host,
    port: port === '' ? (protocol === 'smtps:' ? 465 : 587) : Number(port),
    secure: protocol === 'smtps:',
    // Whoever stands between could take the offer of STARTTLS out, and would be told the password.
    requireTLS: password !== '' && !isLoopback(host),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
    socketTimeout: timeoutMs * LONGER,
  };
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));

function verdictOf(error: SmtpError, isHandedOver: boolean): Verdict {
  if (isCalledOff(error)) return { kind: 'CALLED_OFF' };
  const { responseCode: code, command } = error;
  const reason = reasonOf(error);
  if (isHandedOver && code === undefined) return { kind: 'UNCONFIRMED', error: reason };
  // A refusal of the sender or of the password is the operator's to mend, and the mail can wait for it.
  const isFinal =
    code !== undefined && code >= 500 && (command === 'RCPT TO' || command === 'DATA');
  return { kind: 'REFUSED', isFinal, error: reason };
}

/** nodemailer wraps what a stream fails with. */
const isCalledOff = (error: Error): boolean =>
  error instanceof CalledOff || error.message === 'called off';
