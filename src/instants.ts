/** An instant as rows bear it and as clients get it: ISO 8601 in UTC with milliseconds. */
export type Instant = string;

const TO_MILLISECONDS = '2026-11-21T12:30:31.970'.length;

/** Unix times in ms between which an instant can be written so. */
export const FIRST_INSTANT = Date.parse('0001-01-01T00:00:00.000Z');
export const LAST_INSTANT = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * From the text of a timestamptz as PostgreSQL writes it under TimeZone UTC, alone (`2026-11-21 12:30:31.97+00`) or in JSON
 * (`…T…+00:00`), by moving characters: a Date for each, only to be printed again, is a visible part of an answer with
 * fifty of them.
 */
export function toInstant(text: string): Instant {
  const zone = text.endsWith('+00:00') ? 6 : 3;
  const isPlain = text[4] === '-' && (zone === 6 || text.endsWith('+00'));
  if (!isPlain) return new Date(text.replace(/([+-]\d\d)$/, '$1:00')).toISOString();
  // Of most that come in JSON, two pieces are all.
  if (text[10] === 'T' && text.length - zone >= TO_MILLISECONDS)
    return `${text.slice(0, TO_MILLISECONDS)}Z`;
  const fraction = text.slice(20, -zone);
  const milliseconds = fraction.length === 3 ? fraction : fraction.padEnd(3, '0').slice(0, 3);
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${milliseconds}Z`;
}

export const toInstantOrNull = (text: string | null): Instant | null =>
  text === null ? null : toInstant(text);
