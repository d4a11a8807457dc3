/**
 * Whether a text has more characters (code points) than so many. Code units are looked at first: counting the code points of
 * megabytes is not worth it.
 */
export const isLongerThan = (limit: number, text: string): boolean =>
  text.length > limit && (text.length > limit * 2 || [...text].length > limit);

/** Whether PostgreSQL stores this text exactly as it is: it refuses NUL, and lone surrogates would become U+FFFD. */
export const isStorableText = (text: string): boolean =>
  !text.includes('\0') && text.isWellFormed();
