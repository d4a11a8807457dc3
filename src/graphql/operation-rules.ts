import { Injectable } from '@nestjs/common';
import { GraphQLSchemaHost } from '@nestjs/graphql';
import type { DocumentNode, OperationDefinitionNode } from 'graphql';
import { GraphQLError, Kind, OperationTypeNode, parse } from 'graphql';
import { Config } from '../config.js';
import { badInput, ErrorCode } from '../errors.js';
import { InboxService } from '../inbox/inbox.service.js';
import { asksForCursor } from './asks-for-cursor.js';
import type { GraphqlContext } from './context.js';
import { DocumentRules } from './document-rules.js';
import { PARSE_OPTIONS, requireAffordable } from './operation-limits.js';
import { RememberedTexts } from './remembered-texts.js';

const REMEMBERED_DOCUMENTS = 1_000;

/** What a client asks to be run. */
export interface OperationRequest {
  readonly query: string;
  readonly operationName?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
}

/** A request that has passed parsing, validation and the choice of its operation. */
export interface PreparedOperation {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
}

/**
 * The rules that every operation passes before it runs. Apollo parses by itself, with the same options (graphql.module.ts); all
 * else is called from its plugin, and by the socket.
 */
@Injectable()
export class OperationRules {
  readonly #documentRules;
  readonly #documents = new RememberedTexts<DocumentNode | readonly GraphQLError[]>(
    REMEMBERED_DOCUMENTS,
  );

  constructor(
    private readonly schemaHost: GraphQLSchemaHost,
    private readonly inbox: InboxService,
    config: Config,
  ) {
    this.#documentRules = new DocumentRules(config.INTROSPECTION);
  }

  /** Parses, validates and chooses, with Apollo's codes and words. */
  prepare(request: OperationRequest): PreparedOperation | readonly GraphQLError[] {
    if (request.query === '') return [badRequest(EMPTY)];
    const document = this.#documentOf(request.query);
    if (!('kind' in document)) return document;
    const operations = document.definitions.filter(
      (definition) => definition.kind === Kind.OPERATION_DEFINITION,
    );
    const name = request.operationName ?? undefined;
    const operation =
      name === undefined
        ? operations[0]
        : operations.find((candidate) => candidate.name?.value === name);
    if (operation === undefined) return [badRequest(`Unknown operation named "${name ?? ''}".`)];
    if (name === undefined && operations.length > 1)
      return [badRequest('Must provide operation name if query contains multiple operations.')];
    return { document, operation };
  }

  /** @returns what is wrong with a document, whatever is asked of it */
  findingsIn(document: DocumentNode): readonly GraphQLError[] {
    return this.#documentRules.findingsIn(this.schemaHost.schema, document);
  }

  /**
   * What one request cannot be answered with.
   * @throws AppError BAD_USER_INPUT
   */
  requireOneAnswer({ operation }: OperationDefinitionNode): void {
    if (operation === OperationTypeNode.SUBSCRIPTION)
      throw badInput('A subscription is for a WebSocket at the same address.');
  }

  /**
   * What comes between validation and execution: limits that need the variables, and the journal position for operations
   * that ask for viewer.cursor, which is read before anything else of theirs.
   * @throws GraphQLError QUERY_TOO_COMPLEX
   */
  async beforeExecution(
    { document, operation }: PreparedOperation,
    variables: Readonly<Record<string, unknown>>,
    context: GraphqlContext,
  ): Promise<void> {
    requireAffordable(this.schemaHost.schema, document, operation, variables);
    if (context.viewer === null || !asksForCursor(document, operation)) return;
    const position = this.inbox.stateOf(context.viewer);
    context.startState = position;
    // A failure is answered by the field itself; here it only must not be left unheard.
    await position.catch(() => undefined);
  }

  /** Whether an operation of one answer passes what comes before execution, and nothing has to be read for it then. */
  mayStart(
    { document, operation }: PreparedOperation,
    variables: Readonly<Record<string, unknown>>,
  ): boolean {
    if (asksForCursor(document, operation)) return false;
    try {
      this.requireOneAnswer(operation);
      requireAffordable(this.schemaHost.schema, document, operation, variables);
      return true;
    } catch {
      return false;
    }
  }

  #documentOf(query: string): DocumentNode | readonly GraphQLError[] {
    let known = this.#documents.get(query);
    if (known === undefined) {
      known = this.#parse(query);
      this.#documents.set(query, known);
    }
    return known;
  }

  #parse(query: string): DocumentNode | readonly GraphQLError[] {
    let document: DocumentNode;
    try {
      document = parse(query, PARSE_OPTIONS);
    } catch (error) {
      const { message, source, positions } = error as GraphQLError;
      const extensions = { code: ErrorCode.GRAPHQL_PARSE_FAILED };
      return [
        new GraphQLError(message, {
          source: source ?? null,
          positions: positions ?? null,
          extensions,
        }),
      ];
    }
    const findings = this.findingsIn(document);
    return findings.length === 0 ? document : findings;
  }
}

/** Apollo's words; its alternative, persisted queries, is switched off. */
const EMPTY =
  'GraphQL operations must contain a non-empty `query` or a `persistedQuery` extension.';

const badRequest = (message: string): GraphQLError =>
  new GraphQLError(message, { extensions: { code: ErrorCode.BAD_USER_INPUT } });
