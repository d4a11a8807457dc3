import { Logger } from '@nestjs/common';
import type { ExecutionResult, FormattedExecutionResult, GraphQLErrorExtensions } from 'graphql';
import { GraphQLError } from 'graphql';
import { toAppError } from '../database/database-errors.js';
import { AppError, ErrorCode } from '../errors.js';

const logger = new Logger('GraphQL');

/** What graphql-js, Apollo or the limits refuse before anything of ours runs. */
const PROTOCOL_CODES: readonly unknown[] = [
  ErrorCode.GRAPHQL_PARSE_FAILED,
  ErrorCode.GRAPHQL_VALIDATION_FAILED,
  ErrorCode.BAD_USER_INPUT,
  ErrorCode.QUERY_TOO_COMPLEX,
];
/** Apollo's own names for requests that are no GraphQL at all. */
const BAD_REQUESTS: readonly unknown[] = [
  'BAD_REQUEST',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_QUERY_NOT_SUPPORTED',
];

/** Errors that have been through here: shaped in a resolver they come again, with their place, when the answer is made. */
const shaped = new WeakSet<GraphQLError>();

/**
 * The one place that decides what a client may read of an error, for HTTP, for WebSocket, in resolvers and before them.
 * Our refusals and graphql-js's own findings pass; everything else becomes INTERNAL_SERVER_ERROR with a correlation id
 * that names the line in the log.
 */
export function toClientError(
  thrown: unknown,
  correlationId: string = crypto.randomUUID(),
): GraphQLError {
  const at = thrown instanceof GraphQLError ? thrown : undefined;
  const cause = toAppError(rootOf(thrown));
  const { message, extensions } =
    publicPartOf(cause) ?? mask(cause, correlationId, at?.path?.join('.'));
  const error = new GraphQLError(message, {
    nodes: at?.nodes ?? null,
    source: at?.source ?? null,
    positions: at?.positions ?? null,
    path: at?.path ?? null,
    extensions,
  });
  shaped.add(error);
  return error;
}

/** What a client is answered with over HTTP, its errors first as Apollo has them. */
export const toAnswer = (
  { errors, ...result }: ExecutionResult,
  context: { readonly correlationId: string },
): FormattedExecutionResult =>
  errors === undefined
    ? result
    : {
        errors: errors.map((error) => toClientError(error, context.correlationId).toJSON()),
        ...result,
      };

/** Of a message that the client is told; more is what the client has sent. */
const MOST_CHARACTERS = 1_000;

interface PublicPart {
  readonly message: string;
  readonly extensions: GraphQLErrorExtensions;
}

function publicPartOf(cause: unknown): PublicPart | undefined {
  if (cause instanceof AppError)
    return { message: cause.message, extensions: { code: cause.code, ...cause.details } };
  if (!(cause instanceof GraphQLError)) return undefined;
  // graphql-js repeats a whole value for each thing that is wrong with it.
  const message = cause.message.slice(0, MOST_CHARACTERS);
  const { extensions } = cause;
  if (shaped.has(cause)) return { message, extensions };
  const { code, limit } = extensions;
  if (PROTOCOL_CODES.includes(code))
    return { message, extensions: limit === undefined ? { code } : { code, limit } };
  if (BAD_REQUESTS.includes(code) || isInputCoercion(cause))
    return { message, extensions: { code: ErrorCode.BAD_USER_INPUT } };
  return undefined;
}

function mask(cause: unknown, correlationId: string, path: string | undefined): PublicPart {
  const detail = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  logger.error(`${correlationId} ${path ?? ''} ${detail}`);
  return {
    message: 'Something went wrong on our side.',
    extensions: { code: ErrorCode.INTERNAL_SERVER_ERROR, correlationId },
  };
}

/** The error that was thrown, under what graphql-js has wrapped around it; Apollo's wrapping bears the code and stays. */
function rootOf(error: unknown): unknown {
  let at = error;
  while (at instanceof GraphQLError && at.originalError instanceof Error && !isSpoken(at))
    at = at.originalError;
  return at;
}

const isSpoken = (error: GraphQLError): boolean =>
  shaped.has(error) ||
  isInputCoercion(error) ||
  [...PROTOCOL_CODES, ...BAD_REQUESTS].includes(error.extensions.code);

/** graphql-js gives no code to a variable or an argument that does not fit its type. */
const isInputCoercion = (error: GraphQLError): boolean =>
  error.extensions.code === undefined && /^(Variable|Argument) "/.test(error.message);
