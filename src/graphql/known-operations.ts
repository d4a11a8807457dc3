import type { IncomingHttpHeaders } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import type { ExecutionResult, GraphQLError } from 'graphql';
import { getOperationAST } from 'graphql';
import { TokenVerifier } from '../auth/token-verifier.js';
import { toAnswer } from './client-errors.js';
import type { GraphqlContext } from './context.js';
import { createContext } from './context.js';
import { GRAPHQL_PATH } from './endpoint.js';
import { Executor } from './executor.js';
import { logOperation } from './operation-log.js';
import type { PreparedOperation } from './operation-rules.js';
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

/** An answer that is being made. */
export interface KnownAnswer {
  readonly mediaType: string;
  readonly text: Promise<string>;
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

  /** For requests that came by Fastify; to be called before Apollo's route is there. */
  serve(server: FastifyInstance): void {
    server.addHook('onRoute', (route) => {
      if (route.path !== GRAPHQL_PATH) return;
      const { handler: apollo } = route;
      route.handler = async (request, reply) => {
        const { method, headers, body } = request;
        const known = method === 'POST' ? this.start(headers, body) : undefined;
        if (known === undefined) return await apollo.call(server, request, reply);
        void reply.header('content-type', known.mediaType);
        return known.text;
      };
    });
  }

  /** Runs what a POST asks for; undefined where that is not for this class to answer, and then nothing has been run. */
  start(headers: IncomingHttpHeaders, body: unknown): KnownAnswer | undefined {
    const startedAt = performance.now();
    const request = readRequest(headers, body);
    if (request === undefined) return undefined;
    const { query, operationName, variables, mediaType } = request;
    const document = this.executor.compiledDocument(query, operationName);
    const operation = document && getOperationAST(document, operationName);
    const viewer = this.verifier.remembered(headers.authorization);
    if (document === undefined || operation == null || viewer === undefined) return undefined;
    const prepared = { document, operation };
    if (!this.rules.mayStart(prepared, variables)) return undefined;
    const context = createContext({ viewer });
    const result = this.executor.executeCompiled({ document, operationName, variables, context });
    if (result === undefined) return undefined;
    return { mediaType, text: answerOf(result, prepared, context, startedAt) };
  }
}

async function answerOf(
  result: Promise<ExecutionResult>,
  { operation }: PreparedOperation,
  context: GraphqlContext,
  startedAt: number,
): Promise<string> {
  const answer = toAnswer(await result.catch(toResult), context);
  const { operation: type, name } = operation;
  logOperation('http', context, { type, name: name?.value }, startedAt, answer.errors);
  return `${JSON.stringify(answer)}\n`;
}

/** Only of a mistake of ours, for what resolvers throw is in the result already; it is logged and masked as any other. */
const toResult = (error: unknown): ExecutionResult => ({
  errors: [error as GraphQLError],
  data: null,
});

/** Of the requests that clients make, the plain ones; a content-type that forms cannot have keeps other sites out, as in Apollo. */
function readRequest(headers: IncomingHttpHeaders, body: unknown): KnownRequest | undefined {
  if (headers['content-type']?.startsWith('application/json') !== true) return undefined;
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
