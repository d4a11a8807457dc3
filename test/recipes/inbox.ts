import type { Client } from 'graphql-ws';
import { passes, pause } from './graphql-ws.js';

/** What an application does with its inbox. */
export interface Inbox {
  /** `subscription ($after: String) { inboxEvents(after: $after) { __typename cursor … } }` */
  readonly query: string;
  /**
   * Fetches the state anew; rejects with an error that has the answer's `errors`, or with whatever fetching throws.
   * @returns viewer.cursor, asked for in the very query that fetches the first list
   */
  load(): Promise<string>;
  /** Changes the state by one event. */
  apply(event: any): void;
  /** It has ended, for a reason that does not pass. */
  failed(error: unknown): void;
}

/**
 * Loads the state and keeps it up to date; loads it anew where the journal does not reach back.
 * @returns the function that ends it
 */
export function keepUp(live: Client, { query, load, apply, failed }: Inbox): () => void {
  let stop = (): void => undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let attempt = 0;
  let ended = false;
  const start = (): void => {
    load().then(
      (after) => {
        if (!ended) follow(after);
      },
      (error: unknown) => {
        const errors = (error as { errors?: unknown } | undefined)?.errors;
        // No answer at all is the network.
        if (!errors || passes(errors)) startAgain();
        else if (!ended) failed(error);
      },
    );
  };
  const startAgain = (): void => {
    stop();
    if (!ended) timer = setTimeout(start, pause(attempt++));
  };
  const follow = (after: string): void => {
    stop = live.subscribe<any>(
      { query, variables: { after } },
      {
        next({ data }) {
          // An event that the server could not tell, by a fault of its own.
          if (!data) {
            startAgain();
            return;
          }
          attempt = 0;
          apply(data.inboxEvents);
        },
        error(error: any) {
          if (error[0]?.extensions?.code === 'RESYNC_REQUIRED') startAgain();
          else failed(error);
        },
        complete: () => undefined,
      },
    );
  };
  start();
  return () => {
    ended = true;
    clearTimeout(timer);
    stop();
  };
}
