/**
 * Whether a text has more characters (code points) than so many. Code units are looked at first: counting the code points of
 * megabytes is not worth it.
 */
export const isLongerThan = (limit: number, text: string): boolean =>
  text.length > limit && (text.length > limit * 2 || [...text].length > limit);

/** Whether PostgreSQL stores this text exactly as it is: it refuses NUL, and lone surrogates would become U+FFFD. */
export const isStorableText = (text: string): boolean =>
  !text.includes('\0') && text.isWellFormed();

/** Neither space, nor control, nor any of the characters that draw nothing (U+2800 is a letter that is blank). */
const VISIBLE = /[^\p{Z}\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** Whether there is anything to see in it. */
export const isVisible = (text: string): boolean => VISIBLE.test(text);

/** Whether the marketplace may name a person or a trip so: 1 to 64 characters, not all of them spaces. */
export const isForeignId = (text: string): boolean =>
  text.trim() !== '' && !isLongerThan(64, text) && isStorableText(text);
