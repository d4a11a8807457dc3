import { ValidateBy } from 'class-validator';

// Not the checks of class-validator: they refuse hosts with `_`, which Compose makes, and PostgreSQL's Unix sockets, and take
// addresses without a protocol, which pg then reads as a database of another host.

const NO_HOST = '.';

type Check = (url: URL) => boolean;

const isAddress = (name: string, expected: string, scheme: RegExp, check: Check) => () =>
  ValidateBy({
    name,
    validator: {
      validate: (value) => typeof value === 'string' && scheme.test(value) && passes(value, check),
      defaultMessage: () => `$property must read ${expected}`,
    },
  });

function passes(text: string, check: Check): boolean {
  // No program wants a fragment: it is the rest of a password that was not encoded.
  if (/[\s#]/.test(text)) return false;
  try {
    // A user without a host is no URL, but is how libpq writes a Unix socket: postgresql://user@/database?host=/run/postgresql
    const url = new URL(text.replace('@/', `@${NO_HOST}/`));
    decodeURIComponent(url.username);
    decodeURIComponent(url.password);
    return check(url);
  } catch {
    return false;
  }
}

const isOneHost = (host: string): boolean => host !== '' && host !== NO_HOST && !host.includes(',');
const ENCODED = 'with special characters of user and password percent-encoded';

/** pg knows one host, which the query may name as well. */
export const IsPostgresAddress = isAddress(
  'isPostgresAddress',
  `postgresql://user:password@host:5432/database or postgresql:///database?host=/run/postgresql&user=…, of one host, ${ENCODED}`,
  /^postgres(ql)?:\/\//,
  ({ hostname, searchParams }) =>
    isOneHost(searchParams.get('host') ?? hostname) && /^\d*$/.test(searchParams.get('port') ?? ''),
);

export const IsRedisAddress = isAddress(
  'isRedisAddress',
  `redis://user:password@host:6379 (rediss:// with TLS), of one host, ${ENCODED}`,
  /^rediss?:\/\//,
  ({ hostname, pathname }) => isOneHost(hostname) && /^\/?\d*$/.test(pathname),
);

export const IsMailServerAddress = isAddress(
  'isMailServerAddress',
  `smtp://user:password@host:587 (smtps://…:465 with TLS), ${ENCODED}`,
  /^smtps?:\/\//,
  ({ hostname }) => isOneHost(hostname),
);

/** Without credentials: fetch() refuses them, and people do not want them in their links. */
const isAnonymous: Check = ({ hostname, username, password }) =>
  isOneHost(hostname) && username === '' && password === '';

export const IsWebAddress = isAddress(
  'isWebAddress',
  'https://host/path or http://host/path, without user and password',
  /^https?:\/\//,
  isAnonymous,
);

/** What paths are added to; a query would swallow them. */
export const IsWebBase = isAddress(
  'isWebBase',
  'https://host/path or http://host/path, without user, password and query',
  /^https?:\/\/[^?]*$/,
  isAnonymous,
);

/** Written as a browser sends it, but for small letters and the port that goes without saying. */
export const isOrigin = (text: string): boolean =>
  /^https?:\/\/[^/\\*]+$/.test(text) && passes(text, ({ href, origin }) => href === `${origin}/`);

export const AreOrigins = () =>
  ValidateBy({
    name: 'areOrigins',
    validator: {
      validate: (value) =>
        Array.isArray(value) && value.every((each: string) => each === '*' || isOrigin(each)),
      defaultMessage: () =>
        '$property must be a comma-separated list of origins such as https://app.example.com, each without *, user and path; or * for all',
    },
  });

const THREAD_ID = '{threadId}';
const IN_PLACE = 'thread';

/** A page of the marketplace; what it does behind a `#` is its own affair. */
export const IsThreadAddress = () =>
  ValidateBy({
    name: 'isThreadAddress',
    validator: {
      validate: (value) => typeof value === 'string' && leadsToThread(value),
      defaultMessage: () =>
        `$property must read https://host/path/${THREAD_ID} or http://host/path/${THREAD_ID}, without user and password`,
    },
  });

function leadsToThread(text: string): boolean {
  const [address = '', ...fragment] = text.replaceAll(THREAD_ID, IN_PLACE).split('#');
  return (
    text.includes(THREAD_ID) &&
    /^https?:\/\//.test(address) &&
    passes(address, isAnonymous) &&
    !/\s/.test(fragment.join(''))
  );
}

/** The address of a thread's page. @param pattern what IsThreadAddress has let pass */
export const addressOfThread = (pattern: string, threadId: string): string =>
  pattern.replaceAll(THREAD_ID, threadId);
