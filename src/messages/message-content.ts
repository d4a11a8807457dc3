import { hash } from 'node:crypto';
import { AppError, badInput, ErrorCode } from '../errors.js';
import type { MessageType } from '../generated/prisma/enums.js';
import { isLongerThan, isStorableText, isVisible } from '../text.js';

/** Characters (code points) of a text. */
export const MAX_BODY = 4_000;
/** Characters of the reference of a picture or a file. */
export const MAX_REFERENCE = 2_048;
const MAX_LABEL = 200;

export interface Place {
  readonly latitude: number;
  readonly longitude: number;
  readonly label: string | null;
}

/** What a message says, checked. */
export interface MessageContent {
  readonly messageType: MessageType;
  readonly body: string;
  readonly location: Place | null;
  readonly system: {
    readonly code: string | null;
    readonly params: readonly { key: string; value: string }[];
  } | null;
  readonly replyToId: string | null;
  /** Tells a repeated send from another one under the same clientMessageId: 128 bits, in hexadecimal. */
  readonly digest: string;
}

export interface DraftContent {
  readonly body: string | null;
  readonly messageType: MessageType;
  readonly location: Place | null;
  readonly replyToId: string | null;
}

/**
 * A text that is stored exactly as it is.
 * @throws AppError BAD_USER_INPUT for what cannot be stored or has nothing to see, MESSAGE_TOO_LONG with `limit`
 */
export function requireText(body: string): string {
  requireStorable(body);
  if (!isVisible(body)) throw badInput('body must have at least one character that can be seen.');
  return body;
}

function requireStorable(body: string): string {
  if (!isStorableText(body))
    throw badInput('body must be valid Unicode without NUL and without lone surrogates.');
  if (isLongerThan(MAX_BODY, body))
    throw new AppError(
      ErrorCode.MESSAGE_TOO_LONG,
      `body may have at most ${MAX_BODY} characters.`,
      { limit: MAX_BODY },
    );
  return body;
}

function requireReference(body: string): string {
  if (isLongerThan(MAX_REFERENCE, body))
    throw new AppError(
      ErrorCode.MESSAGE_TOO_LONG,
      `The reference may have at most ${MAX_REFERENCE} characters.`,
      { limit: MAX_REFERENCE },
    );
  if (!isStorableText(body) || !isVisible(body) || /[\s\p{Cc}]/u.test(body))
    throw badInput(
      'body must be an https URL or a reference of the marketplace, without white space.',
    );
  // A scheme makes it a URL, and of those only https is safe to be shown to others.
  if (/^[a-z][a-z\d+.-]*:/i.test(body) && !(body.startsWith('https://') && URL.canParse(body)))
    throw badInput(
      'body must be an https URL or a reference of the marketplace; other kinds of URL are refused.',
    );
  // What a browser would take from another host, by the scheme of the page that shows it.
  if (/^[/\\]{2}/.test(body))
    throw badInput('body must be an https URL or a reference of the marketplace, without a host.');
  return body;
}

function requirePlace({ latitude, longitude, label }: Place): Place {
  if (!(Math.abs(latitude) <= 90) || !(Math.abs(longitude) <= 180))
    throw badInput('location must have a latitude of -90 to 90 and a longitude of -180 to 180.');
  if (label !== null && (isLongerThan(MAX_LABEL, label) || !isStorableText(label)))
    throw badInput(`location.label may have at most ${MAX_LABEL} characters of valid Unicode.`);
  return { latitude, longitude, label };
}

/**
 * What a person may send.
 * @throws AppError BAD_USER_INPUT or MESSAGE_TOO_LONG
 */
export function requireContent({
  body,
  messageType,
  location,
  replyToId,
}: DraftContent): MessageContent {
  if (messageType === 'SYSTEM')
    throw badInput('messageType SYSTEM is for services: sendSystemMessage.');
  if ((messageType === 'LOCATION') !== (location !== null))
    throw badInput('location comes with messageType LOCATION, and only with it.');
  return withDigest({
    messageType,
    body: requireBody(messageType, body ?? ''),
    location: location === null ? null : requirePlace(location),
    system: null,
    // A retry may write the id in other letters.
    replyToId: replyToId?.toLowerCase() ?? null,
  });
}

function requireBody(messageType: MessageType, body: string): string {
  if (messageType === 'IMAGE' || messageType === 'FILE') return requireReference(body);
  return messageType === 'LOCATION' ? requireStorable(body) : requireText(body);
}

/** @throws AppError BAD_USER_INPUT or MESSAGE_TOO_LONG */
export const requireSystemContent = (
  body: string,
  code: string | null,
  params: readonly { key: string; value: string }[],
): MessageContent =>
  withDigest({
    messageType: 'SYSTEM',
    body: requireText(body),
    location: null,
    system: { code, params: params.map(({ key, value }) => ({ key, value })) },
    replyToId: null,
  });

function withDigest(content: Omit<MessageContent, 'digest'>): MessageContent {
  const { messageType, body, location, system, replyToId } = content;
  const text = JSON.stringify([messageType, body, location, system, replyToId]);
  const digest = hash('sha256', text).slice(0, 32);
  return { messageType, body, location, system, replyToId, digest };
}
