import type { ApolloServerPlugin, GraphQLRequestListener, GraphQLResponse } from '@apollo/server';
import { HeaderMap } from '@apollo/server';
import { Plugin } from '@nestjs/apollo';
import type { ExecutionResult, GraphQLError, OperationDefinitionNode } from 'graphql';
import { toAnswer, toClientError } from './client-errors.js';
import type { GraphqlContext } from './context.js';
import { Executor } from './executor.js';
import { logOperation } from './operation-log.js';
import { OperationRules } from './operation-rules.js';

const STATUS_OF: Readonly<Record<string, number>> = {
  INTERNAL_SERVER_ERROR: 500,
  SERVICE_UNAVAILABLE: 503,
};

/** Hooks our rules into Apollo's request: all but parsing before execution, status codes and the log after. */
@Plugin()
export class ApolloRules implements ApolloServerPlugin<GraphqlContext> {
  constructor(
    private readonly rules: OperationRules,
    private readonly executor: Executor,
  ) {}

  requestDidStart(): Promise<GraphQLRequestListener<GraphqlContext>> {
    const startedAt = performance.now();
    return Promise.resolve({
      didResolveOperation: async ({ document, operation, request, contextValue }) => {
        // Without one Apollo itself answers which are there.
        if (operation === undefined || this.rules.findingsIn(document).length > 0) return;
        this.rules.requireOneAnswer(operation);
        await this.rules.beforeExecution(
          { document, operation },
          request.variables ?? {},
          contextValue,
        );
      },

      // Executed by ours alone: Apollo's own way would suggest names that may not be asked for.
      responseForOperation: async ({ document, operation, request, contextValue }) => {
        const findings = this.rules.findingsIn(document);
        if (findings.length > 0) return refusedWith(findings, contextValue);
        if (isMissing(operation)) return null;
        const result = await this.executor.execute({
          document,
          operationName: request.operationName,
          variables: request.variables ?? {},
          context: contextValue,
        });
        return toResponse(result, contextValue);
      },

      // GraphQL over HTTP, section 6.4: application/json answers 200 to every well-formed request, the newer media type
      // tells by the status that nothing was executed.
      willSendResponse: ({ request, response, contextValue, operation, operationName }) => {
        if (response.body.kind === 'single') {
          const { singleResult } = response.body;
          if (singleResult.data === undefined && singleResult.errors !== undefined) {
            const accepts = request.http?.headers.get('accept') ?? '';
            const code = singleResult.errors[0]?.extensions?.code as string;
            const wellFormed =
              operation !== undefined || /^(GRAPHQL_|QUERY_|BAD_USER_INPUT)/.test(code);
            if (wellFormed && request.query !== undefined)
              response.http.status = accepts.includes('application/graphql-response+json')
                ? (STATUS_OF[code] ?? 400)
                : 200;
          }
          logOperation(
            'http',
            contextValue,
            { type: operation?.operation, name: operationName },
            startedAt,
            singleResult.errors,
          );
        }
        return Promise.resolve();
      },
    });
  }
}

/** Apollo's types leave out that a document may have no operation of the name. */
const isMissing = (operation: OperationDefinitionNode | undefined): boolean =>
  operation === undefined;

const refusedWith = (
  errors: readonly GraphQLError[],
  { correlationId }: GraphqlContext,
): GraphQLResponse => ({
  http: { headers: new HeaderMap() },
  body: {
    kind: 'single',
    singleResult: { errors: errors.map((error) => toClientError(error, correlationId).toJSON()) },
  },
});

const toResponse = (result: ExecutionResult, context: GraphqlContext): GraphQLResponse => ({
  http: { headers: new HeaderMap() },
  body: { kind: 'single', singleResult: toAnswer(result, context) },
});
