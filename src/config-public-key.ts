import { createPublicKey } from 'node:crypto';
import { ValidateBy } from 'class-validator';

/** The one algorithm that tokens can be signed with where this is the key, and the key as PEM. */
export interface PublicKey {
  readonly algorithm: 'RS256' | 'ES256' | 'EdDSA';
  readonly pem: string;
}

/** What RS256 asks for: RFC 7518, section 3.3. */
const LEAST_RSA_BITS = 2_048;
/** Node would also take a private key or a certificate, and make the public key of it. */
const SPKI = /^-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----$/;

/**
 * @param text as in the variable, where line ends may be written `\n`
 * @throws Error that says what is wrong and nothing of the key
 */
export function readPublicKey(text: string): PublicKey {
  const pem = text.replaceAll('\\n', '\n').trim();
  return { algorithm: algorithmOf(pem), pem };
}

function algorithmOf(pem: string): PublicKey['algorithm'] {
  const { asymmetricKeyType: type = 'unknown', asymmetricKeyDetails: details = {} } = parse(pem);
  if (type === 'rsa' && (details.modulusLength ?? 0) >= LEAST_RSA_BITS) return 'RS256';
  if (type === 'ec' && details.namedCurve === 'prime256v1') return 'ES256';
  if (type === 'ed25519') return 'EdDSA';
  const size = details.modulusLength ?? details.namedCurve;
  throw new Error(`this one is ${type}${size === undefined ? '' : ` (${size})`}`);
}

function parse(pem: string): ReturnType<typeof createPublicKey> {
  if (!SPKI.test(pem)) throw new Error('this is none');
  try {
    return createPublicKey(pem);
  } catch {
    throw new Error('this one cannot be read');
  }
}

/** Empty where there is none. */
function faultOf(value: unknown): string {
  try {
    readPublicKey(String(value));
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

export const IsPublicKey = (): PropertyDecorator =>
  ValidateBy({
    name: 'isPublicKey',
    validator: {
      validate: (value) => faultOf(value) === '',
      defaultMessage: (about) =>
        '$property must be a PEM public key (SPKI), RSA of 2048 bits or more, EC on P-256, or Ed25519; ' +
        faultOf(about?.value),
    },
  });
