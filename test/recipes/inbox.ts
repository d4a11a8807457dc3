import type { Client } from 'graphql-ws';

/** What an application does with its inbox. */
export interface Inbox {
  /** `subscription ($after: String) { inboxEvents(after: $after) { __typename cursor … } }` */
  readonly query: string;
  /** Fetches the state anew. @returns viewer.cursor, asked for in the very query that fetches the first list */
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
  let ended = false;
  const start = (): void => {
    stop();
    load().then((after) => {
      if (!ended) follow(after);
    }, failed);
  };
  const follow = (after: string): void => {
    stop = live.subscribe<any>(
      { query, variables: { after } },
      {
        next({ data }) {
          if (data) apply(data.inboxEvents);
          // An event that the server could not tell, by a fault of its own.
          else start();
        },
        error(error: any) {
          if (error[0]?.extensions?.code === 'RESYNC_REQUIRED') start();
          else failed(error);
        },
        complete: () => undefined,
      },
    );
  };
  start();
  return () => {
    ended = true;
    stop();
  };
}
