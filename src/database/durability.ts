import type { ClientBase } from 'pg';

const oldestVersion = 15;

/** What stands in the way of the promise that an acknowledged message is never lost; empty when nothing does. */
export async function findDurabilityProblems(client: Pick<ClientBase, 'query'>): Promise<string[]> {
  const { rows } = await client.query<{ name: string; setting: string }>(
    `SELECT name, setting FROM pg_settings
     WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'server_version_num')`,
  );
  const settings = new Map(rows.map(({ name, setting }) => [name, setting]));
  const problems: string[] = [];
  const version = Math.floor(Number(settings.get('server_version_num')) / 10_000);
  if (!(version >= oldestVersion))
    problems.push(
      `PostgreSQL ${version} is too old: parley needs version ${oldestVersion} or later.`,
    );
  if (settings.get('fsync') !== 'on')
    problems.push('fsync is off: a power failure can lose messages and damage the database.');
  if (settings.get('full_page_writes') !== 'on')
    problems.push('full_page_writes is off: a power failure can damage the database.');
  if (settings.get('synchronous_commit') === 'off')
    problems.push('synchronous_commit is off: a crash can lose messages that were acknowledged.');
  return problems;
}
