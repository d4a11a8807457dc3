import type { DocumentNode } from 'graphql';
import { AppError, ErrorCode } from '../errors.js';

/**
 * What the subscriptions of a socket may have in characters, all together: of their documents, equal ones counted once, and of
 * their ids. A parsed document takes a hundred bytes for each, as long as its operation runs.
 */
const MOST_CHARACTERS = 32 * 1024;

/** @throws AppError RATE_LIMITED where a socket has more to remember than it should */
export function requireShortTexts(subscriptions: Readonly<Record<string, unknown>>): void {
  const texts = new Set<string>();
  let characters = 0;
  for (const [id, running] of Object.entries(subscriptions)) {
    texts.add(
      (running as { readonly document?: DocumentNode } | null)?.document?.loc?.source.body ?? '',
    );
    characters += id.length;
  }
  for (const { length } of texts) characters += length;
  if (characters > MOST_CHARACTERS)
    throw new AppError(
      ErrorCode.RATE_LIMITED,
      `The subscriptions of a socket, with their ids, have at most ${MOST_CHARACTERS} characters together.`,
      { limit: MOST_CHARACTERS },
    );
}
