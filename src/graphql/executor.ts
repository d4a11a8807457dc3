import type { OnApplicationBootstrap } from '@nestjs/common';
import { Injectable, Logger } from '@nestjs/common';
import { GraphQLSchemaHost } from '@nestjs/graphql';
import type { DocumentNode, ExecutionResult } from 'graphql';
import { execute, GraphQLError } from 'graphql';
import type * as Compiler from 'graphql-jit';
import type { CompiledQuery } from 'graphql-jit';
import { Config } from '../config.js';
import { isCompilable } from './compilable.js';
import type { GraphqlContext } from './context.js';
import { RememberedTexts } from './remembered-texts.js';

/** What is asked for once is executed as it is; a client's own operations come again and again. */
const COMPILE_AT_USE = 3;
const REMEMBERED_OPERATIONS = 500;

/** An operation that has passed the rules, and what it runs on. */
export interface Execution {
  readonly document: DocumentNode;
  readonly operationName: string | null | undefined;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly context: GraphqlContext;
  /** For the events of a subscription. */
  readonly rootValue?: unknown;
}

interface Known {
  readonly document: DocumentNode;
  uses: number;
  /** null: it cannot be compiled. */
  compiled: CompiledQuery | null | undefined;
}

/**
 * Executes operations, on both transports. One that is used again is compiled to a function (graphql-jit), which buys four
 * fifths of graphql-js's time for a page of messages; it gives the same answer to the byte (test/compiled.e2e-spec.ts).
 * Whatever is unusual (a first use, nobody's operation, several mutations, variables that do not fit) is left to graphql-js.
 */
@Injectable()
export class Executor implements OnApplicationBootstrap {
  readonly #known = new RememberedTexts<Known>(REMEMBERED_OPERATIONS);
  readonly #logger = new Logger('Executor');
  #compiler: typeof Compiler | undefined;

  constructor(
    private readonly schemaHost: GraphQLSchemaHost,
    private readonly config: Config,
  ) {}

  /** Not waited for: until it is there, everything is executed as on a first use. */
  onApplicationBootstrap(): void {
    void import('graphql-jit').then((compiler) => {
      this.#compiler = compiler;
    });
  }

  /** The document that is compiled by now for this text, which therefore has passed the rules that look at documents alone. */
  compiledDocument(source: string, operationName: string | null): DocumentNode | undefined {
    const known = this.#known.get(keyOf(source, operationName));
    return known?.compiled ? known.document : undefined;
  }

  /** By the compiled function, or undefined where there is none: nothing has been executed then. */
  executeCompiled(execution: Execution): Promise<ExecutionResult> | undefined {
    const compiled = this.#compiledOf(execution);
    if (compiled === undefined) return undefined;
    const { rootValue, context, variables, document } = execution;
    const result = startOf(() => compiled.query(rootValue, context, variables));
    // Variables that do not fit are found before anything runs; graphql-js has the words for them.
    if (!(result instanceof Promise || 'data' in result)) return undefined;
    return inWordsOfGraphqlJs(result, document);
  }

  async execute(execution: Execution): Promise<ExecutionResult> {
    const { document, operationName, variables, context, rootValue } = execution;
    return (
      (await this.executeCompiled(execution)) ??
      execute({
        schema: this.schemaHost.schema,
        document,
        operationName: operationName ?? null,
        variableValues: variables,
        contextValue: context,
        rootValue,
        hideSuggestions: !this.config.INTROSPECTION,
      })
    );
  }

  #compiledOf({ document, operationName, context }: Execution): CompiledQuery | undefined {
    const source = document.loc?.source.body;
    if (source === undefined || context.viewer === null) return undefined;
    const key = keyOf(source, operationName);
    const known = this.#known.get(key);
    if (known === undefined) {
      this.#known.set(key, { document, uses: 1, compiled: undefined });
      return undefined;
    }
    if (known.compiled === undefined && ++known.uses >= COMPILE_AT_USE && this.#compiler)
      known.compiled = this.#compile(this.#compiler, document, operationName ?? undefined);
    return known.compiled ?? undefined;
  }

  #compile(
    { compileQuery, isCompiledQuery }: typeof Compiler,
    document: DocumentNode,
    operationName: string | undefined,
  ): CompiledQuery | null {
    if (!isCompilable(document, operationName)) return null;
    const compiled = compileQuery(this.schemaHost.schema, document, operationName);
    if (isCompiledQuery(compiled)) return compiled;
    this.#logger.warn(
      `An operation cannot be compiled: ${compiled.errors?.map(String).join('; ') ?? ''}`,
    );
    return null;
  }
}

/** What is kept has a name without a space or none, so no text is another one's name and text. */
const keyOf = (source: string, operationName: string | null | undefined): string =>
  `${operationName ?? ''} ${source}`;

/** What is thrown after the start is the answer's error, and no reason to start again by other means. */
function startOf<Result>(start: () => Result): Result | Promise<never> {
  try {
    return start();
  } catch (error) {
    return Promise.reject(error instanceof Error ? error : new Error(String(error)));
  }
}

async function inWordsOfGraphqlJs(
  compiled: Promise<ExecutionResult> | ExecutionResult,
  document: DocumentNode,
): Promise<ExecutionResult> {
  const { errors, data = null } = await compiled;
  if (errors === undefined) return { data };
  return {
    errors: oneForEachNull(errors, data).map((error) => inDocument(error, document)),
    data,
  };
}

/** Of the errors that make one and the same value null, the answer tells the first. */
function oneForEachNull(errors: readonly GraphQLError[], data: unknown): GraphQLError[] {
  const told = new Set<string>();
  return errors.filter(({ path = [] }) => {
    let [value, depth] = [data, 0];
    for (; value != null && depth < path.length; depth++)
      value = (value as Readonly<Record<string, unknown>>)[path[depth] ?? ''];
    const place = JSON.stringify(path.slice(0, depth));
    return told.size < told.add(place).size;
  });
}

/** The compiler gives an error's place as line and column, graphql-js as a position of the source. */
function inDocument(error: GraphQLError, { loc }: DocumentNode): GraphQLError {
  const { message, path, locations, originalError } = error;
  const source = loc?.source;
  return new GraphQLError(message, {
    path: path ?? null,
    originalError: originalError ?? null,
    source: source ?? null,
    positions:
      source === undefined
        ? null
        : (locations ?? []).map(({ line, column }) => startOfLine(source.body, line) + column - 1),
  });
}

function startOfLine(text: string, line: number): number {
  const lineEnds = /\r\n|[\n\r]/g;
  for (let at = 1; at < line; at++) lineEnds.exec(text);
  return lineEnds.lastIndex;
}
