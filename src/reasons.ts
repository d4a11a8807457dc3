/** The code of an error of Node (`ENOENT`) or of PostgreSQL (`57P03`), where it has one. */
export function errorCode(error: unknown): string | undefined {
  // No `instanceof Error`: Jest runs us in a realm whose Error is not that of Node's own modules.
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** A name with several addresses fails with an error for each, and without words for all. */
export function reasonOf(error: unknown): string {
  const { message, errors = [] } = error as Partial<AggregateError>;
  const said = message || errors.map((each: unknown) => reasonOf(each)).join(', ');
  return said || (errorCode(error) ?? String(error));
}
