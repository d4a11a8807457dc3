import { AppError, ErrorCode } from '../errors.js';

/** Serialization failure, deadlock. */
const CONFLICTING = ['40001', '40P01'];
/**
 * A statement that is not prepared, or is already: so it is found by those that were sent behind the first of its name, before
 * that one's preparation failed.
 */
const UNPREPARED = ['26000', '42P05'];
/** SQLSTATE classes and codes that say "not now": connection, resources, operator intervention, lock wait. */
const UNAVAILABLE = /^(08...|53...|57P..|57014|55P03|25006)$/;
const BROKEN =
  /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/;
const BROKEN_MESSAGE =
  /Connection terminated|Client has encountered a connection error|pool after calling end/;
/** Whoever has waited so long is not made to wait as long again, nor is what they asked done when they have given it up. */
const TIMED_OUT_MESSAGE =
  /timeout exceeded when trying to connect|due to connection timeout|Query read timeout/;

interface DatabaseError {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
  readonly meta?: { readonly driverAdapterError?: unknown };
}

/** The SQLSTATE or system error code, also where Prisma has wrapped it. */
function codesOf(error: unknown): string[] {
  const codes: string[] = [];
  for (let at = error; typeof at === 'object' && at !== null;) {
    const { code, cause, meta, message } = at as DatabaseError & { originalCode?: unknown };
    for (const each of [code, (at as { originalCode?: unknown }).originalCode])
      if (typeof each === 'string') codes.push(each);
    if (typeof message === 'string') {
      // That a connection broke is then the cause only because it was given up.
      if (TIMED_OUT_MESSAGE.test(message)) return [...codes, 'ETIMEDOUT'];
      if (BROKEN_MESSAGE.test(message)) codes.push('ECONNRESET');
    }
    at = cause ?? meta?.driverAdapterError;
  }
  return codes;
}

const isUnavailable = (error: unknown): boolean =>
  codesOf(error).some(
    (code) =>
      UNAVAILABLE.test(code) || BROKEN.test(code) || /^P(1001|1002|1008|1017|2024)$/.test(code),
  );

/**
 * Whether somebody else has written the same key at this very moment: the functions look first, so that the same statement
 * finds it when it is sent again.
 */
export const isRaced = (error: unknown): boolean => codesOf(error).includes('23505');

/** Whether the same statement may succeed when it is sent again at once. */
export const isTransient = (error: unknown): boolean =>
  codesOf(error).some(
    (code) =>
      CONFLICTING.includes(code) ||
      UNPREPARED.includes(code) ||
      code === '57P01' ||
      code === 'ECONNRESET' ||
      code === 'EPIPE',
  );

/** Whether somebody else held a lock for longer than a statement may wait. */
export const isLockTimeout = (error: unknown): boolean => codesOf(error).includes('55P03');

/** Whether the database was there, and the statement took longer than it may: for a lock, or by itself. */
export const hasTakenTooLong = (error: unknown): boolean =>
  isLockTimeout(error) || codesOf(error).includes('57014');

/** What cannot be reached becomes SERVICE_UNAVAILABLE; everything else stays as it is, and is masked on its way out. */
export function toAppError(error: unknown): unknown {
  if (error instanceof AppError || !(isUnavailable(error) || isTransient(error))) return error;
  const unavailable = new AppError(
    ErrorCode.SERVICE_UNAVAILABLE,
    'The database cannot be reached at the moment. Try again.',
  );
  // For the code; a client is shown the message alone.
  unavailable.cause = error;
  return unavailable;
}
