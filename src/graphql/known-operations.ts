import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { getOperationAST } from 'graphql';
import { identify } from '../auth/identity.js';
import { TokenVerifier } from '../auth/token-verifier.js';
import { toAnswer } from './client-errors.js';
import type { GraphqlContext } from './context.js';
import { createContext } from './context.js';
import { GRAPHQL_PATH } from './endpoint.js';
import { Executor } from './executor.js';
import { logOperation } from './operation-log.js';
import { OperationRules } from './operation-rules.js';

/** How Apollo reads what common clients accept; whatever else is asked for is left to it. */
const MEDIA_TYPES: readonly (readonly [RegExp, string])[] = [
  [/^(\*\/\*|application\/json)?$/, 'application/json; charset=utf-8'],
  [
    /^application\/graphql-response\+json *(,|$)/,
    'application/graphql-response+json; charset=utf-8',
  ],
];

interface KnownRequest {
  readonly query: string;
  readonly operationName: string | null;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly mediaType: string;
}

/**
 * Answers, over HTTP, what has been through Apollo before: an operation whose compiled form is there needs no parsing and no
 * validation, and Apollo's passage through its hooks for it costs more than running it (docs/performance.md). The rules are
 * the same and so is every byte (test/compiled.e2e-spec.ts); whatever is unusual, or refused, is left to Apollo.
 */
@Injectable()
export class KnownOperations {
  constructor(
    private readonly executor: Executor,
    private readonly rules: OperationRules,
    private readonly verifier: TokenVerifier,
  ) {}

  /** To be called before Apollo's route is there. */
  serve(server: FastifyInstance): void {
    server.addHook('onRoute', (route) => {
      if (route.path !== GRAPHQL_PATH) return;
      const { handler: apollo } = route;
      route.handler = async (request, reply) =>
        (await this.#answer(request, reply)) ?? (await apollo.call(server, request, reply));
    });
  }

  async #answer(request: FastifyRequest, reply: FastifyReply): Promise<string | undefined> {
    const startedAt = performance.now();
    const known = readRequest(request);
    if (known === undefined) return undefined;
    const { query, operationName, variables, mediaType } = known;
    const document = this.executor.compiledDocument(query, operationName);
    const operation = document && getOperationAST(document, operationName);
    if (document === undefined || operation == null) return undefined;
    let context: GraphqlContext;
    try {
      context = createContext(await identify(this.verifier, request.headers.authorization));
      await this.rules.beforeExecution({ document, operation }, variables, context);
    } catch {
      return undefined;
    }
    const result = await this.executor.executeCompiled({
      document,
      operationName,
      variables,
      context,
    });
    if (result === undefined) return undefined;
    const answer = toAnswer(result, context);
    logOperation(
      'http',
      context,
      { type: operation.operation, name: operation.name?.value },
      startedAt,
      answer.errors,
    );
    void reply.header('content-type', mediaType);
    return `${JSON.stringify(answer)}\n`;
  }
}

/** Of the requests that clients make, the plain ones; a content-type that forms cannot have keeps other sites out, as in Apollo. */
function readRequest({ method, headers, body }: FastifyRequest): KnownRequest | undefined {
  if (method !== 'POST' || headers['content-type']?.startsWith('application/json') !== true)
    return undefined;
  const { accept = '' } = headers;
  const mediaType = MEDIA_TYPES.find(([accepted]) => accepted.test(accept))?.[1];
  const { query, operationName = null, ...rest } = toRecord(body) ?? {};
  const variables = toRecord(rest.variables ?? {});
  const extensions = toRecord(rest.extensions ?? {});
  const isPlain =
    typeof query === 'string' &&
    (operationName === null || typeof operationName === 'string') &&
    extensions !== undefined &&
    extensions.persistedQuery === undefined;
  if (!isPlain || mediaType === undefined || variables === undefined) return undefined;
  return { query, operationName, variables, mediaType };
}

const toRecord = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
