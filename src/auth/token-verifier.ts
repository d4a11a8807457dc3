import { Injectable, Logger } from '@nestjs/common';
import type { CryptoKey, JWTPayload, JWTVerifyGetKey, JWTVerifyOptions } from 'jose';
import { jwtVerify } from 'jose/jwt/verify';
import { Config } from '../config.js';
import { AppError, ErrorCode } from '../errors.js';
import { errorCode } from '../reasons.js';
import { isForeignId, isLongerThan, isStorableText, isVisible } from '../text.js';
import { tokenKeys } from './token-keys.js';
import type { Viewer } from './viewer.js';

const REMEMBERED_TOKENS = 10_000;
/** A remembered token is looked at again after this long, so that a withdrawn key takes effect. */
const REMEMBERED_MS = 60_000;
/** What jose says of a token that its bearer should not have sent. Whatever else it says, nobody's token can be checked. */
const FAULT_OF_THE_TOKEN =
  /^ERR_(JWS_\w+|JWT_\w+|JOSE_ALG_NOT_ALLOWED|JOSE_NOT_SUPPORTED|JWKS_NO_MATCHING_KEY)$/;
const REFUSALS: Readonly<Record<string, string>> = {
  ERR_JWT_EXPIRED: 'The token has expired.',
  ERR_JOSE_ALG_NOT_ALLOWED: 'The token is signed with another kind of key.',
};
/** How often it is said that tokens cannot be checked: an outage is a line a minute and not one per request. */
const SAY_AGAIN_MS = 60_000;

/** Turns `Bearer …` into a Viewer: one function for HTTP headers and for a socket's connectionParams. */
@Injectable()
export class TokenVerifier {
  readonly #options: JWTVerifyOptions;
  readonly #key: JWTVerifyGetKey;
  readonly #logger = new Logger('Tokens');
  readonly #remembered = new Map<string, { viewer: Viewer; until: number }>();
  #saidAt = -Infinity;

  constructor(config: Config) {
    const { algorithms, key } = tokenKeys(config);
    this.#key = key;
    this.#options = {
      algorithms,
      requiredClaims: ['sub', 'exp'],
      ...(config.JWT_ISSUER === undefined ? {} : { issuer: config.JWT_ISSUER }),
      ...(config.JWT_AUDIENCE === undefined ? {} : { audience: config.JWT_AUDIENCE }),
    };
  }

  /**
   * @param remember whether the same token may be expected again soon: of a request, but not of a socket
   * @throws AppError UNAUTHENTICATED; the message tells the client's developer why, and nothing about the key
   */
  async verify(authorization: unknown, remember = true): Promise<Viewer> {
    const known = this.remembered(authorization);
    if (known !== undefined) return known;
    const token = bearer(authorization);
    const now = Date.now();
    this.#remembered.delete(token);
    const viewer = toViewer(await this.#check(token));
    if (!remember) return viewer;
    if (this.#remembered.size >= REMEMBERED_TOKENS)
      this.#remembered.delete(this.#remembered.keys().next().value ?? '');
    this.#remembered.set(token, { viewer, until: Math.min(viewer.expiresAt, now + REMEMBERED_MS) });
    return viewer;
  }

  /** Whose token it is, where that has been verified a short time ago. */
  remembered(authorization: unknown): Viewer | undefined {
    const known = this.#remembered.get(tokenIn(authorization) ?? '');
    return known !== undefined && known.until > Date.now() ? known.viewer : undefined;
  }

  async #check(token: string): Promise<JWTPayload> {
    try {
      return await payloadOf(token, this.#key, this.#options);
    } catch (error) {
      const code = errorCode(error) ?? '';
      if (!FAULT_OF_THE_TOKEN.test(code)) {
        this.#say(error);
        throw new AppError(
          ErrorCode.SERVICE_UNAVAILABLE,
          'Tokens cannot be checked at the moment.',
        );
      }
      throw unauthenticated(REFUSALS[code] ?? 'The token is not valid.');
    }
  }

  #say(error: unknown): void {
    const now = performance.now();
    if (now < this.#saidAt + SAY_AGAIN_MS) return;
    this.#saidAt = now;
    const { message, cause } = error as { message: string; cause?: NodeJS.ErrnoException };
    const reason = cause === undefined ? '' : `: ${cause.message || cause.code}`;
    this.#logger.error(`Tokens cannot be checked: ${message}${reason}`);
  }
}

/** A token that does not name its key is signed with any of those that fit: while they are replaced there are two. */
async function payloadOf(
  token: string,
  key: JWTVerifyGetKey,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, key, options)).payload;
  } catch (error) {
    if (errorCode(error) !== 'ERR_JWKS_MULTIPLE_MATCHING_KEYS') throw error;
    let refusal = error;
    for await (const candidate of error as AsyncIterable<CryptoKey>)
      try {
        return (await jwtVerify(token, candidate, options)).payload;
      } catch (reason) {
        if (errorCode(reason) !== 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED') throw reason;
        refusal = reason;
      }
    throw refusal;
  }
}

export const unauthenticated = (message: string): AppError =>
  new AppError(ErrorCode.UNAUTHENTICATED, message);

function bearer(authorization: unknown): string {
  if (authorization === undefined || authorization === null || authorization === '')
    throw unauthenticated('A token is needed: authorization: Bearer <token>.');
  const token = tokenIn(authorization);
  if (token === undefined) throw unauthenticated('The authorization must read: Bearer <token>.');
  return token;
}

const tokenIn = (authorization: unknown): string | undefined =>
  typeof authorization === 'string'
    ? /^Bearer +([\w-]+\.[\w-]+\.[\w-]*)$/i.exec(authorization)?.[1]
    : undefined;

const shortText = (value: unknown, limit: number): string | null =>
  typeof value === 'string' && value !== '' && !isLongerThan(limit, value) && isStorableText(value)
    ? value
    : null;

/** A name with nothing to see is none. */
function displayNameIn(claim: unknown): string | null {
  const name = shortText(claim, 200);
  return name !== null && isVisible(name) ? name : null;
}

/** Others' browsers load it, so what is no URL of the web is none. */
function avatarUrlIn(claim: unknown): string | null {
  const url = shortText(claim, 2_048);
  return url !== null && /^https?:\/\//i.test(url) && URL.canParse(url) ? url : null;
}

function toViewer(claims: JWTPayload): Viewer {
  const { sub, exp, iat, name, picture, roles } = claims;
  if (typeof sub !== 'string' || !isForeignId(sub) || exp === undefined)
    throw unauthenticated(
      'The token must name its subject (sub, 1 to 64 characters) and its end (exp).',
    );
  const roleList: readonly unknown[] = Array.isArray(roles) ? roles : [];
  return {
    userId: sub,
    isService: roleList.includes('service'),
    isAdmin: roleList.includes('admin'),
    displayName: displayNameIn(name),
    avatarUrl: avatarUrlIn(picture),
    // No token is of the future or from before the first one, whatever the clock of its issuer says.
    issuedAt: iat === undefined ? null : Math.max(0, Math.min(iat * 1_000, Date.now())),
    expiresAt: exp * 1_000,
  };
}
