/** PostgreSQL tells prepared statements apart by so many bytes of their names. */
const LONGEST_NAME = 63;

/** Tells one variant of a statement from the others. */
export function statementName(...parts: (string | undefined)[]): string {
  const name = parts.filter((part) => part !== undefined).join('_');
  if (name.length > LONGEST_NAME) throw new Error(`BUG: the statement's name is too long: ${name}`);
  return name;
}

/** Statements by their names; a page's is as long as ten of its rows, so it is put together once. */
export class StatementTexts {
  readonly #texts = new Map<string, string>();

  textOf(name: string, make: () => string): string {
    let text = this.#texts.get(name);
    if (text === undefined) {
      text = make();
      this.#texts.set(name, text);
    }
    return text;
  }
}

/**
 * An array that a statement is given, without the planner seeing how long it is. For one of fewer elements than the ten that it
 * assumes otherwise it would make a new plan at each execution, which takes twice as long as such a look itself
 * (docs/performance.md).
 * @param parameter of the statement, as `$1`
 * @param type of its elements
 */
export const arrayOf = (parameter: string, type: string): string =>
  `(SELECT ${parameter}::${type}[])::${type}[]`;

/**
 * The first rows of a SELECT, in its order, of which a parameter says how many. Of a number that it does not know the planner
 * assumes a tenth of all that there are, so where these are many it too would make a new plan at each execution; it is told how
 * many there can be at most.
 * @param most what the parameter never exceeds
 */
export const firstRows = (select: string, parameter: string, most: number): string =>
  `SELECT * FROM (${select} LIMIT ${most}) AS first_rows LIMIT ${parameter}`;
