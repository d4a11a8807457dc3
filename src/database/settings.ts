import type { ClientBase } from 'pg';

interface Settings {
  readonly encoding: string;
  readonly schema: string | null;
  readonly dateStyle: string;
}

/** What parley takes for granted and a server, a database or a role has set otherwise; empty when none has. */
export async function findUnfitSettings(client: Pick<ClientBase, 'query'>): Promise<string[]> {
  const { rows } = await client.query<Settings>(
    `SELECT current_setting('server_encoding') AS encoding, current_schema() AS schema,
       current_setting('DateStyle') AS "dateStyle"`,
  );
  return rows.flatMap(({ encoding, schema, dateStyle }) => {
    const problems: string[] = [];
    // Another one has no place for most of what people write, or (SQL_ASCII) counts bytes where characters are meant.
    if (encoding !== 'UTF8')
      problems.push(
        `has the encoding ${encoding}, and parley needs UTF8: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.`,
      );
    // Prisma looks there whatever the search path says, and every other statement where that leads first.
    if (schema !== 'public')
      problems.push(
        `leads to ${schema === null ? 'no schema' : `the schema ${schema}`} first, and parley needs public: ALTER ROLE … SET search_path = public.`,
      );
    // Of other styles the driver makes other dates, or none.
    if (!dateStyle.startsWith('ISO'))
      problems.push(
        `writes dates in the style ${dateStyle}, and parley reads ISO: ALTER ROLE … SET datestyle = 'ISO'.`,
      );
    return problems;
  });
}
