import { Database } from '../../src/database/database.js';
import type { TestApp } from './app.js';

/** One statement that has reached PostgreSQL: its name where it is prepared, and its text. */
export interface Statement {
  readonly name: string | undefined;
  readonly text: string;
}

type Query = (...args: unknown[]) => unknown;

/** Every statement that the app sends while `work` runs, through whichever door, transaction control included. */
export async function statementsOf(
  app: TestApp,
  work: () => Promise<unknown>,
): Promise<Statement[]> {
  const { pool } = app.get(Database);
  const statements: Statement[] = [];
  const clients = new Map<{ query: Query }, Query>();
  const watch = (client: { query: Query }): void => {
    if (clients.has(client)) return;
    const { query } = client;
    clients.set(client, query);
    client.query = function (this: unknown, ...args: unknown[]): unknown {
      const [first] = args as [string | { name?: string; text: string }];
      statements.push(
        typeof first === 'string'
          ? { name: undefined, text: first }
          : { name: first.name, text: first.text },
      );
      return query.apply(this, args);
    };
  };
  // Whatever runs a statement takes a client of the pool for it.
  const acquired = (client: unknown): void => {
    watch(client as { query: Query });
  };
  pool.on('acquire', acquired);
  try {
    await work();
    return statements;
  } finally {
    pool.off('acquire', acquired);
    for (const [client, query] of clients) client.query = query;
  }
}
