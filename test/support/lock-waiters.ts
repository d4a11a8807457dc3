import type { Client } from 'pg';

/** The backends of the client's database that wait for a lock, also when it asks in a transaction that holds one. */
export async function lockWaiters(client: Client): Promise<number[]> {
  // A transaction sees the activity of its first look until it is told to look again.
  await client.query('SELECT pg_stat_clear_snapshot()');
  const { rows } = await client.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return rows.map(({ pid }) => pid);
}
