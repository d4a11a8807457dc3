/** Everything this API can refuse; published in the schema as `ErrorCode`, sent as `extensions.code` on both transports. */
export enum ErrorCode {
  UNAUTHENTICATED = 'UNAUTHENTICATED',
  FORBIDDEN = 'FORBIDDEN',
  NOT_FOUND = 'NOT_FOUND',
  BAD_USER_INPUT = 'BAD_USER_INPUT',
  CONFLICT = 'CONFLICT',
  THREAD_ARCHIVED = 'THREAD_ARCHIVED',
  THREAD_BLOCKED = 'THREAD_BLOCKED',
  MESSAGE_TOO_LONG = 'MESSAGE_TOO_LONG',
  RESYNC_REQUIRED = 'RESYNC_REQUIRED',
  RATE_LIMITED = 'RATE_LIMITED',
  QUERY_TOO_COMPLEX = 'QUERY_TOO_COMPLEX',
  GRAPHQL_PARSE_FAILED = 'GRAPHQL_PARSE_FAILED',
  GRAPHQL_VALIDATION_FAILED = 'GRAPHQL_VALIDATION_FAILED',
  INTERNAL_SERVER_ERROR = 'INTERNAL_SERVER_ERROR',
  SERVICE_UNAVAILABLE = 'SERVICE_UNAVAILABLE',
}

/** A refusal that the caller may read: `message` is shown as it is, so it never carries anything internal. */
export class AppError extends Error {
  override readonly name = 'AppError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    /** Further public facts for the client, for example `{ limit: 4000 }`. */
    readonly details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
  }
}

/** The one answer for what does not exist and for what the viewer may not see. */
export const notFound = (what: string): AppError =>
  new AppError(ErrorCode.NOT_FOUND, `${what} not found.`);

export const badInput = (message: string, details?: Record<string, unknown>): AppError =>
  new AppError(ErrorCode.BAD_USER_INPUT, message, details);

/** Why the server does not start, in a sentence for its operator, who needs no stack. */
export class StartError extends Error {
  override readonly name: string = 'StartError';
}
