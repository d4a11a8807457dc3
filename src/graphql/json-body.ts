import { isUtf8 } from 'node:buffer';
import { BadRequestException } from '@nestjs/common';
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

const badBody = (message: string): BadRequestException =>
  new BadRequestException({
    errors: [{ message, extensions: { code: ErrorCode.BAD_USER_INPUT } }],
  });
