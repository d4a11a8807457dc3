import { hash } from 'node:crypto';
import { AppError, badInput, ErrorCode } from '../errors.js';

/** Where a person's journal stands, and what of it is still kept. */
export interface JournalBounds {
  /** Position of the newest entry; 0 while empty. */
  readonly position: number;
  /** Entries up to and including this one are gone. */
  readonly floor: number;
}

/** Ties a cursor to its person without naming them. */
const ownerTag = (userId: string): string => hash('sha256', userId, 'base64url').slice(0, 8);

const SHAPE = /^([\w-]{8}):([\w-]{8}):(0|[1-9]\d{0,14})$/;

/** The opaque forms of a person's journal positions: base64url of `epoch:owner:position`. */
export function encoderOf(epoch: string, userId: string): (position: number) => string {
  const start = `${epoch}:${ownerTag(userId)}:`;
  return (position) => Buffer.from(`${start}${position}`).toString('base64url');
}

/** One of them. */
export const encodePosition = (epoch: string, userId: string, position: number): string =>
  encoderOf(epoch, userId)(position);

/**
 * @returns the position that a cursor stands for
 * @throws AppError BAD_USER_INPUT for nonsense and for somebody else's cursor; RESYNC_REQUIRED for one of another epoch,
 * from before the kept journal or from beyond its head (a restored or promoted database)
 */
export function decodePosition(
  cursor: string,
  epoch: string,
  userId: string,
  bounds: JournalBounds,
): number {
  const text = Buffer.from(cursor, 'base64url').toString();
  const [, ofEpoch, owner, digits] = SHAPE.exec(text) ?? [];
  // Decoding passes over whatever does not belong to base64url.
  const isMangled = Buffer.from(text).toString('base64url') !== cursor;
  if (owner !== ownerTag(userId) || digits === undefined || isMangled)
    throw badInput('The cursor is not one of yours.');
  const position = Number(digits);
  if (ofEpoch !== epoch || position < bounds.floor || position > bounds.position)
    throw resyncRequired();
  return position;
}

export const resyncRequired = (): AppError =>
  new AppError(
    ErrorCode.RESYNC_REQUIRED,
    'The journal no longer reaches back to this cursor. Fetch afresh and go on from viewer.cursor.',
  );
