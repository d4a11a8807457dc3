import { Transform } from 'class-transformer';
import { ValidateBy } from 'class-validator';
import { isOrigin } from './config-addresses.js';

/** Characters of a key that signs (RFC 7518, section 3.2, for HS256). */
export const SHORTEST_SECRET = 32;

// How the text of an environment variable becomes a value; what does not fit stays text and fails its check.

/** Plain digits alone: Number() would take ' ' for 0, and '0x10' and '1e3' as well. */
const toWholeNumber = Transform(({ value }) =>
  typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : (value as unknown),
);

export function WholeNumber(least: number, most: number): PropertyDecorator {
  const check = ValidateBy({
    name: 'wholeNumber',
    validator: {
      validate: (value) => Number.isInteger(value) && value >= least && value <= most,
      defaultMessage: () => `$property must be a whole number from ${least} to ${most}`,
    },
  });
  return (target, property) => {
    toWholeNumber(target, property);
    check(target, property);
  };
}

export const toBoolean = Transform(({ value }) =>
  value === 'true' || value === '1'
    ? true
    : value === 'false' || value === '0'
      ? false
      : (value as unknown),
);

export const toOrigins = Transform(({ value }) =>
  typeof value === 'string'
    ? value
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '')
        .map(asBrowsersSay)
    : (value as unknown),
);

/** An origin in small letters and without the port that goes without saying; what is none stays as it is. */
const asBrowsersSay = (text: string): string => (isOrigin(text) ? new URL(text).origin : text);
