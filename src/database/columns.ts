/**
 * A page as one row with one JSON array per column. PostgreSQL writes that as fast as rows, and JSON.parse reads it in a
 * third of the time that the driver takes for the same values one by one (docs/performance.md). An empty page is nulls.
 */
export type Columns<Row> = { readonly [Name in keyof Row]?: readonly Row[Name][] | null };

/** A value of a column; null where the column was not read. The columns are looked up once a page, by whoever calls. */
export const valueAt = <Value>(column: readonly Value[] | null | undefined, index: number): Value =>
  (column?.[index] ?? null) as Value;

/** `plain` leaves out what is rarely asked for. */
export type Detail = 'plain' | 'whole';

/** @param rare the names that a plain page does without */
export const columnsFor = <Name extends string>(
  expressions: Readonly<Record<Name, string>>,
  detail: Detail,
  rare: readonly Name[],
): Partial<Record<Name, string>> =>
  Object.fromEntries(
    Object.entries<string>(expressions).filter(
      ([name]) => detail === 'whole' || !rare.includes(name as Name),
    ),
  ) as Partial<Record<Name, string>>;

/** The columns of a SELECT over a page that is in its order, by the names of the row's properties. */
export const asColumns = (expressions: Readonly<Record<string, string>>): string =>
  Object.entries(expressions)
    .map(([name, expression]) => `json_agg(${expression}) AS "${name}"`)
    .join(', ');

/** People by id, in one look for all of a page: of `ids`, a query of user ids. As an array they are looked up in the index. */
export const peopleOf = (ids: string): string =>
  `(SELECT json_object_agg(u.id, json_build_array(u.display_name, u.avatar_url)) FROM users u
    WHERE u.id = ANY (ARRAY(SELECT DISTINCT * FROM (${ids}) AS ids)))`;

/** What peopleOf gives. */
export type People = Readonly<
  Record<string, readonly [displayName: string | null, avatarUrl: string | null]>
> | null;

/** PostgreSQL tells prepared statements apart by so many bytes of their names. */
const LONGEST_NAME = 63;

/** Tells one variant of a statement from the others. */
export function statementName(...parts: (string | undefined)[]): string {
  const name = parts.filter((part) => part !== undefined).join('_');
  if (name.length > LONGEST_NAME) throw new Error(`BUG: the statement's name is too long: ${name}`);
  return name;
}
