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
 * A statement that gives a page as one value, and its people, who are looked up once for all of it: as an array they are
 * looked up in the index, which sorts them and leaves out repeats. They are columns as well, for JSON.parse takes long for
 * objects with many keys. Arrays are gathered first and written as JSON at the end, which takes PostgreSQL two thirds of what
 * it takes to gather JSON (docs/performance.md).
 * @param rows a SELECT of the rows in the order of the page, and how the expressions call a row
 * @param expressions by the names of the row's properties
 * @param people of whom names are read: arrays of ids, by the columns of the page (`page."authorId"`)
 * @param more what else is read of the page, by names: expressions of its columns
 */
export function selectPage(
  [rows, alias]: readonly [select: string, alias: string],
  expressions: Readonly<Record<string, string>>,
  people: readonly string[],
  more: Readonly<Record<string, string>> = {},
): string {
  const names = Object.keys(expressions);
  const values = [
    ...names.map((name) => `'${name}', page."${name}"`),
    ...Object.entries(more).map(([name, expression]) => `'${name}', ${expression}`),
  ];
  const gathered = names.map((name) => `array_agg(${expressions[name] ?? ''}) AS "${name}"`);
  return `
    SELECT json_build_object(${values.join(', ')}, 'people', (
      SELECT json_build_array(array_agg(u.id), array_agg(u.display_name), array_agg(u.avatar_url))
      FROM users u WHERE u.id = ANY (${people.join(' || ')})
    )) AS page
    FROM (SELECT ${gathered.join(', ')} FROM (${rows}) AS ${alias}) AS page`;
}

/** Who is named in a page. */
export type People = readonly [
  ids: readonly string[] | null,
  displayNames: readonly (string | null)[] | null,
  avatarUrls: readonly (string | null)[] | null,
];
