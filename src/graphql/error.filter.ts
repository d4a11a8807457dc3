import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { Catch, HttpException, ServiceUnavailableException } from '@nestjs/common';
import { BaseExceptionFilter, HttpAdapterHost } from '@nestjs/core';
import { GqlArgumentsHost } from '@nestjs/graphql';
import type { FastifyReply } from 'fastify';
import { AppError, badInput, ErrorCode } from '../errors.js';
import { toClientError } from './client-errors.js';
import type { GraphqlContext } from './context.js';
import { asRefusedBody } from './json-body.js';

/** Shapes what resolvers, guards and pipes throw, on both transports; plain HTTP goes on to Nest. */
@Catch()
export class ErrorFilter extends BaseExceptionFilter implements ExceptionFilter {
  constructor(adapterHost: HttpAdapterHost) {
    super(adapterHost.httpAdapter);
  }

  override catch(exception: unknown, host: ArgumentsHost): unknown {
    if (host.getType<string>() !== 'graphql') {
      // A route's own type is that of its page, and no refusal is one.
      host.switchToHttp().getResponse<FastifyReply>().removeHeader('content-type');
      super.catch(asHttp(exception), host);
      return undefined;
    }
    const { correlationId } = GqlArgumentsHost.create(host).getContext<GraphqlContext>();
    return toClientError(
      exception instanceof HttpException ? ofNest(exception) : exception,
      correlationId,
    );
  }
}

/** Who posts by plain HTTP, as mail programs do, is told by the status to come again; it is no fault to be logged. */
const asHttp = (exception: unknown): unknown =>
  exception instanceof AppError && exception.code === ErrorCode.SERVICE_UNAVAILABLE
    ? new ServiceUnavailableException(exception.message)
    : asRefusedBody(exception);

/** Nest's guard and pipes throw HTTP exceptions where ours have not spoken first. */
function ofNest(exception: HttpException): AppError | HttpException {
  const status: number = exception.getStatus();
  if (status === 403) return new AppError(ErrorCode.FORBIDDEN, 'This is not allowed.');
  return status === 400 ? badInput(exception.message) : exception;
}
