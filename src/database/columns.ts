/**
 * A page as one value: JSON, with an array per column. PostgreSQL writes that as fast as rows, and JSON.parse reads it in a
 * third of the time that the driver takes for the same values one by one (docs/performance.md). An empty page is nulls.
 */
export type Columns<Row> = {
  readonly [Name in keyof Row]?: readonly Row[Name][] | null | undefined;
};

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

/** What a statement that reads a page gives. */
export interface Page<PageColumns> {
  readonly page: PageColumns;
}

/**
 * The one value of a SELECT over a page that is in its order.
 * @param expressions by the names of the row's properties
 * @param people see peopleOf
 */
export const asPage = (expressions: Readonly<Record<string, string>>, people: string): string =>
  `json_build_object(${Object.entries(expressions)
    .map(([name, expression]) => `'${name}', json_agg(${expression})`)
    .join(', ')}, 'people', ${people}) AS page`;

/**
 * People in one look for all of a page: of `ids`, a query of user ids. As an array they are looked up in the index, which sorts
 * them and leaves out repeats. They are columns as well, for JSON.parse takes long for objects with many keys.
 */
export const peopleOf = (ids: string): string =>
  `(SELECT json_build_array(json_agg(u.id), json_agg(u.display_name), json_agg(u.avatar_url)) FROM users u
    WHERE u.id = ANY (ARRAY(${ids})))`;

/** What peopleOf gives. */
export type People = readonly [
  ids: readonly string[] | null,
  displayNames: readonly (string | null)[] | null,
  avatarUrls: readonly (string | null)[] | null,
];
