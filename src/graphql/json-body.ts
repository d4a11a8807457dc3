import { isUtf8 } from 'node:buffer';
import { HttpException } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ErrorCode } from '../errors.js';

type Done = (error: Error | null, body?: unknown) => void;
export type JsonParser = (request: FastifyRequest, bytes: Buffer, done: Done) => void;

/**
 * Reads the JSON of a request. What is no UTF-8 is refused, for as text it would come in as U+FFFD and be stored so; and what is
 * refused is answered as GraphQL errors are.
 */
export function jsonParserOf(server: FastifyInstance): JsonParser {
  const parse = server.getDefaultJsonParser('error', 'error') as unknown as JsonParser;
  return (request, bytes, done) => {
    if (!isUtf8(bytes)) {
      done(badBody('The body is not valid UTF-8.'));
      return;
    }
    parse(request, bytes, (error, body) => {
      done(error === null ? null : badBody(error.message), body);
    });
  };
}

/**
 * What Fastify refuses before it has read a body, by its status, in the shape of GraphQL errors; anything else as it is. So is a
 * body whose client has gone: nobody hears of it, but it is no fault of the server's to be logged.
 */
export function asRefusedBody(error: unknown): unknown {
  if (error instanceof HttpException && [413, 415].includes(error.getStatus()))
    return refusedBody(error.getStatus(), error.message);
  return (error as { code?: unknown } | null)?.code === 'ECONNRESET'
    ? badBody('The body did not come to its end.')
    : error;
}

const badBody = (message: string): HttpException => refusedBody(400, message);

const refusedBody = (status: number, message: string): HttpException =>
  new HttpException(
    { errors: [{ message, extensions: { code: ErrorCode.BAD_USER_INPUT } }] },
    status,
  );
