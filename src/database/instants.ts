/** An instant as rows bear it and as clients get it: ISO 8601 in UTC with milliseconds. */
export type Instant = string;

/** `2026-11-21 12:30:31.977+00`, with up to six digits of a second, as PostgreSQL writes it under TimeZone UTC. */
const UTC = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?\+00$/;

/**
 * From the text of a timestamptz by moving characters: a Date for each, only to be printed again, is a visible part of an
 * answer with fifty of them.
 */
export function toInstant(text: string): Instant {
  if (!UTC.test(text)) return new Date(text.replace(/([+-]\d\d)$/, '$1:00')).toISOString();
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${text.slice(20, -3).padEnd(3, '0').slice(0, 3)}Z`;
}
