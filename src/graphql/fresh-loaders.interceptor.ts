import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import { GqlExecutionContext } from '@nestjs/graphql';
import type { GraphQLResolveInfo } from 'graphql';
import { OperationTypeNode } from 'graphql';
import type { Observable } from 'rxjs';
import type { GraphqlContext } from './context.js';

/** The mutations of one operation run one after the other: none answers with what was loaded before it wrote. */
@Injectable()
export class FreshLoaders implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType<string>() === 'graphql') {
      const graphql = GqlExecutionContext.create(context);
      const { operation } = graphql.getInfo<GraphQLResolveInfo>();
      if (operation.operation === OperationTypeNode.MUTATION)
        graphql.getContext<GraphqlContext>().loaders.clear();
    }
    return next.handle();
  }
}
