/** An instant as rows bear it and as clients get it: ISO 8601 in UTC with milliseconds. */
export type Instant = string;

/** As PostgreSQL writes a timestamptz under TimeZone UTC, alone (`2026-11-21 12:30:31.97+00`) or in JSON (`…T…+00:00`). */
const UTC = /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,6})?\+00(:00)?$/;

/**
 * From the text of a timestamptz by moving characters: a Date for each, only to be printed again, is a visible part of an
 * answer with fifty of them.
 */
export function toInstant(text: string): Instant {
  if (!UTC.test(text)) return new Date(text.replace(/([+-]\d\d)$/, '$1:00')).toISOString();
  const fraction = text.slice(20, text.indexOf('+'));
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${fraction.padEnd(3, '0').slice(0, 3)}Z`;
}

export const toInstantOrNull = (text: string | null): Instant | null =>
  text === null ? null : toInstant(text);
