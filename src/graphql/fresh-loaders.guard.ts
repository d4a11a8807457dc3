import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import { GqlExecutionContext } from '@nestjs/graphql';
import type { GraphQLResolveInfo } from 'graphql';
import { OperationTypeNode } from 'graphql';
import type { GraphqlContext } from './context.js';

/**
 * The mutations of one operation run one after the other: none answers with what was loaded before it wrote. A guard, which
 * lets everybody pass, because that is what Nest calls before each of them at the least cost.
 */
@Injectable()
export class FreshLoaders implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (context.getType<string>() !== 'graphql') return true;
    const graphql = GqlExecutionContext.create(context);
    const { operation } = graphql.getInfo<GraphQLResolveInfo>();
    if (operation.operation === OperationTypeNode.MUTATION)
      graphql.getContext<GraphqlContext>().loaders.clear();
    return true;
  }
}
