import { CloseCode } from 'graphql-ws';
import type { Viewer } from '../auth/viewer.js';
import type { ClientSocket } from './socket-connection.js';

/** setTimeout's longest delay; a token that lives longer is looked at again then. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;
const SECOND_MS = 1_000;

/**
 * Closes sockets when their tokens end, with one timer for all, which is set to the next end: a timer for each would weigh as
 * much as the rest of what we keep of it. Tokens end at whole seconds, so the sockets are looked through once a second at most.
 */
export class TokenExpiry {
  #timer: NodeJS.Timeout | undefined;
  #next = Infinity;

  constructor(private readonly sockets: Iterable<ClientSocket>) {}

  /** The viewer of one of the sockets. */
  watch({ expiresAt }: Viewer): void {
    const next = Math.ceil(expiresAt / SECOND_MS) * SECOND_MS;
    if (next >= this.#next) return;
    this.#next = next;
    clearTimeout(this.#timer);
    const delay = Math.min(Math.max(next - Date.now(), 0), LONGEST_DELAY_MS);
    this.#timer = setTimeout(() => {
      this.#closeExpired();
    }, delay).unref();
  }

  #closeExpired(): void {
    const now = Date.now();
    this.#next = Infinity;
    for (const { connection } of this.sockets) {
      const { viewer } = connection;
      if (viewer === null) continue;
      if (viewer.expiresAt > now) this.watch(viewer);
      else connection.close(CloseCode.Forbidden, 'The token has expired');
    }
  }
}
