import type { CryptoKey, JWTVerifyGetKey } from 'jose';
// The parts that are used: the whole, with encryption and key generation, is twice as many files at every start.
import { createRemoteJWKSet } from 'jose/jwks/remote';
import { importSPKI } from 'jose/key/import';
import { readPublicKey } from '../config-public-key.js';
import type { Config } from '../config.js';

/** What tokens are verified with, and the algorithms that they may be signed with. */
export interface TokenKeys {
  readonly algorithms: string[];
  readonly key: JWTVerifyGetKey;
}

export function tokenKeys({ JWKS_URL, JWT_PUBLIC_KEY, JWT_SECRET }: Config): TokenKeys {
  if (JWKS_URL !== undefined)
    return {
      algorithms: ['RS256', 'ES256', 'EdDSA'],
      key: createRemoteJWKSet(new URL(JWKS_URL)),
    };
  if (JWT_PUBLIC_KEY !== undefined) {
    const { algorithm, pem } = readPublicKey(JWT_PUBLIC_KEY);
    return { algorithms: [algorithm], key: once(() => importSPKI(pem, algorithm)) };
  }
  // As text it would be imported anew for each token.
  const secret = new TextEncoder().encode(JWT_SECRET);
  const hmac = { name: 'HMAC', hash: 'SHA-256' };
  return {
    algorithms: ['HS256'],
    key: once(() => crypto.subtle.importKey('raw', secret, hmac, false, ['verify'])),
  };
}

/** With the first token: an application that only prints its schema has no key. */
function once(importKey: () => Promise<CryptoKey>): JWTVerifyGetKey {
  let key: Promise<CryptoKey> | undefined;
  return () => (key ??= importKey());
}
