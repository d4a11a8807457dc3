import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

/** What only has to do with going over to another protocol. `connection` stays, for it may also ask for its end. */
const OF_UPGRADE = /^(upgrade|http2-settings)$/i;

/**
 * Puts a request back on its connection as if it had not asked for another protocol. Some clients offer HTTP/2 with each
 * request (`curl --http2`, Java's HttpClient) and a server may ignore that (RFC 9110, 7.8), but Node.js before 24 has no way to:
 * it reads nothing behind such a request once anybody listens for upgrades.
 * @returns the connection, for the server to read anew
 */
export function withoutUpgrade(request: IncomingMessage, stream: Duplex, head: Buffer): Duplex {
  const { method = '', url = '', httpVersion, rawHeaders } = request;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2);
    if (!OF_UPGRADE.test(name)) lines.push(`${name}: ${value}`);
  }
  // As Node.js has read the bytes of the head.
  stream.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  return stream;
}
