/** Whether PostgreSQL stores this text exactly as it is: it refuses NUL, and lone surrogates would become U+FFFD. */
export const isStorableText = (text: string): boolean =>
  !text.includes('\0') && text.isWellFormed();
