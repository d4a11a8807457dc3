import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { GqlExecutionContext } from '@nestjs/graphql';
import { PeopleRepository } from './people.repository.js';
import { unauthenticated } from './token-verifier.js';
import type { Identity } from './identity.js';

const PUBLIC = 'parley:public';

/** Opens a handler to callers without a token; everything else is closed. */
export const Public = (): MethodDecorator & ClassDecorator => SetMetadata(PUBLIC, true);

/** The global guard, closed by default, for queries, mutations, subscriptions and plain HTTP alike. */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly people: PeopleRepository,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (
      this.reflector.getAllAndOverride<boolean | undefined>(PUBLIC, [
        context.getHandler(),
        context.getClass(),
      ])
    )
      return true;
    if (context.getType<string>() !== 'graphql') return false;
    const { viewer, refusal } = GqlExecutionContext.create(context).getContext<Identity>();
    if (viewer === null)
      throw refusal ?? unauthenticated('A token is needed: authorization: Bearer <token>.');
    // A socket is closed when its token ends; this is for the operation that is on its way at that moment.
    if (viewer.expiresAt <= Date.now()) throw unauthenticated('The token has expired.');
    await this.people.meet(viewer);
    return true;
  }
}
