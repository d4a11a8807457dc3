import type { Client } from 'graphql-ws';
import { createClient } from 'graphql-ws';

/** Refusals that pass; UNAUTHENTICATED is one where the token ends while an operation is on its way. */
const PASSING = ['SERVICE_UNAVAILABLE', 'RATE_LIMITED', 'INTERNAL_SERVER_ERROR', 'UNAUTHENTICATED'];

/** Whether what was refused may be asked again. */
export const passes = (error: any): boolean => PASSING.includes(error[0]?.extensions?.code);

/** Longer and longer, at most 30 s, and never all clients at once. */
export const pause = (attempt: number): number =>
  Math.random() * Math.min(30_000, 200 * 2 ** attempt);

/**
 * A stock client that never gives up, takes a fresh token for every socket and notices a dead one.
 * @param url wss://…/graphql
 */
export function connect(url: string, token: () => Promise<string>, pingMs = 10_000): Client {
  let socket: { onmessage: unknown } | undefined;
  let missing: ReturnType<typeof setTimeout> | undefined;
  const client = createClient({
    url,
    // Where there is no token for the moment, the server refuses with 4403, and it is tried again.
    connectionParams: async () => ({
      authorization: `Bearer ${await token().catch(() => '')}`,
    }),
    retryAttempts: Infinity,
    // Also when connecting fails: that is an error event, on which the stock client gives up.
    shouldRetry: () => true,
    retryWait: (attempt) => new Promise((resolve) => setTimeout(resolve, pause(attempt))),
    keepAlive: pingMs,
    on: {
      opened: (opened) => (socket = opened as { onmessage: unknown }),
      ping: (received) => {
        if (received) return;
        missing = setTimeout(() => {
          // What a dead socket still holds is told again by the next one.
          if (socket) socket.onmessage = null;
          client.terminate();
        }, pingMs / 2);
      },
      pong: (received) => {
        if (received) clearTimeout(missing);
      },
      closed: () => clearTimeout(missing),
    },
  });
  return resuming(client);
}

/**
 * Makes every subscription with a variable `after` and a field `cursor` go on behind the last event that it has
 * delivered: on reconnecting, the stock client sends the same variables object again, as it is by then.
 */
function resuming(client: Client): Client {
  const subscribe: Client['subscribe'] = (payload, sink) => {
    const variables = { ...payload.variables };
    let timer: ReturnType<typeof setTimeout> | undefined;
    let attempt = 0;
    const start = (): (() => void) =>
      client.subscribe<any, any>(
        { ...payload, variables },
        {
          next(result) {
            attempt = 0;
            sink.next(result);
            const [event] = Object.values<any>(result.data ?? {});
            if (event?.cursor) variables.after = event.cursor;
          },
          error(error) {
            if (!passes(error)) {
              sink.error(error);
              return;
            }
            timer = setTimeout(() => (stop = start()), pause(attempt++));
          },
          complete: () => {
            sink.complete();
          },
        },
      );
    let stop = start();
    return () => {
      clearTimeout(timer);
      stop();
    };
  };
  return { ...client, subscribe };
}
