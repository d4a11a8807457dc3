import type { Duplex } from 'node:stream';
import { Injectable, Logger } from '@nestjs/common';
import { GraphQLSchemaHost } from '@nestjs/graphql';
import type {
  ExecutionArgs,
  ExecutionResult,
  FieldNode,
  FragmentDefinitionNode,
  SelectionSetNode,
} from 'graphql';
import { GraphQLError, Kind } from 'graphql';
import type { Context, ServerOptions, SubscribePayload } from 'graphql-ws';
import { CloseCode, makeServer } from 'graphql-ws';
import type { RawData, WebSocket } from 'ws';
import { identify } from '../auth/identity.js';
import { TokenVerifier } from '../auth/token-verifier.js';
import type { Viewer } from '../auth/viewer.js';
import { Config } from '../config.js';
import { AppError, ErrorCode } from '../errors.js';
import { Hub } from '../inbox/hub.js';
import { toClientError } from './client-errors.js';
import type { GraphqlContext } from './context.js';
import { createContext } from './context.js';
import { Executor } from './executor.js';
import { subscribeLive } from './live-operation.js';
import { logOperation } from './operation-log.js';
import { OperationRules } from './operation-rules.js';
import type { PreparedOperation } from './operation-rules.js';
import { SocketPresence } from './socket-presence.js';
import { SocketWriter } from './socket-writer.js';

/** The stock client tries again after 1013, and gives up for good after 4500 or 1011. */
const TRY_AGAIN_LATER = 1013;
/** setTimeout's longest delay; a token that lives longer is looked at again then. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** What we know of a socket. */
interface SocketState {
  readonly socket: WebSocket;
  readonly writer: SocketWriter;
  viewer: Viewer | null;
  expiry: NodeJS.Timeout | undefined;
}

type SocketContext = Context<Record<string, unknown>, SocketState>;

interface SocketExecutionArgs extends ExecutionArgs {
  contextValue: GraphqlContext;
  prepared: PreparedOperation;
  operationId: string;
  state: SocketState;
  executor: Executor;
}

/** Runs operations that come over a socket, under the very rules of those that come over HTTP. */
@Injectable()
export class SocketOperations {
  readonly #logger = new Logger('Socket');
  readonly #server;
  #pending = 0;

  constructor(
    private readonly rules: OperationRules,
    private readonly executor: Executor,
    private readonly verifier: TokenVerifier,
    private readonly schemaHost: GraphQLSchemaHost,
    private readonly hub: Hub,
    private readonly presence: SocketPresence,
    private readonly config: Config,
  ) {
    this.#server = makeServer<Record<string, unknown>, SocketState>({
      onConnect: (context) => this.#connect(context),
      onSubscribe: (context, id, payload) => this.#prepare(context, id, payload),
      execute: (args) => this.#execute(args as SocketExecutionArgs),
      subscribe: (args) => this.#subscribe(args as SocketExecutionArgs),
      onError: (_context, _id, _payload, errors) =>
        errors.map((error) => toClientError(error).toJSON()),
    } satisfies ServerOptions<Record<string, unknown>, SocketState>);
  }

  /** Sockets that have not yet shown who they are. */
  get pending(): number {
    return this.#pending;
  }

  /** @param stream the connection under the socket */
  serve(socket: WebSocket, stream: Duplex): void {
    const state: SocketState = {
      socket,
      writer: new SocketWriter(socket, stream, () => {
        if (state.viewer !== null) this.hub.resume(state.viewer.userId);
      }),
      viewer: null,
      expiry: undefined,
    };
    this.#pending += 1;
    const closed = this.#server.opened(
      {
        protocol: socket.protocol,
        send: (frame) => state.writer.send(frame),
        close: (code, reason) => {
          socket.close(code, reason);
        },
        onMessage: (listener) => {
          socket.on('message', (data: RawData) => {
            listener(textOf(data)).catch((error: unknown) => {
              this.#logger.error(error instanceof Error ? error.stack : String(error));
              socket.close(TRY_AGAIN_LATER, 'Try again later');
            });
          });
        },
      },
      state,
    );
    socket.once('close', (code, reason) => {
      clearTimeout(state.expiry);
      if (state.viewer === null) this.#pending -= 1;
      else this.presence.left(state.viewer.userId, !state.viewer.isService);
      void closed(code, reason.toString());
    });
  }

  async #connect({ connectionParams, extra }: SocketContext): Promise<boolean> {
    const { viewer, refusal } = await identify(this.verifier, connectionParams?.authorization);
    if (extra.socket.readyState !== extra.socket.OPEN) return true;
    if (viewer === null) {
      if (refusal?.code !== ErrorCode.SERVICE_UNAVAILABLE) return false;
      extra.socket.close(TRY_AGAIN_LATER, refusal.message);
      return true;
    }
    if (this.presence.socketsOf(viewer.userId) >= this.config.MAX_SOCKETS_PER_PERSON) {
      extra.socket.close(TRY_AGAIN_LATER, 'Too many connections of one person');
      return true;
    }
    extra.viewer = viewer;
    this.#pending -= 1;
    this.presence.came(viewer.userId, !viewer.isService);
    this.#closeAtExpiry(extra, viewer);
    return true;
  }

  #closeAtExpiry(state: SocketState, viewer: Viewer): void {
    const left = viewer.expiresAt - Date.now();
    state.expiry = setTimeout(
      () => {
        if (viewer.expiresAt > Date.now()) this.#closeAtExpiry(state, viewer);
        else state.socket.close(CloseCode.Forbidden, 'The token has expired');
      },
      Math.min(Math.max(left, 0), LONGEST_DELAY_MS),
    );
  }

  async #prepare(
    { extra: state, subscriptions }: SocketContext,
    operationId: string,
    { query, operationName, variables }: SubscribePayload,
  ): Promise<SocketExecutionArgs | readonly GraphQLError[]> {
    const contextValue = createContext({ viewer: state.viewer });
    const running = Object.keys(subscriptions).length;
    if (running > this.config.MAX_OPERATIONS_PER_SOCKET)
      return [toClientError(tooManyOperations(this.config.MAX_OPERATIONS_PER_SOCKET))];
    const prepared = this.rules.prepare({ query, operationName, variables });
    if (!('document' in prepared)) return prepared.map((error) => toClientError(error));
    try {
      await this.rules.beforeExecution(prepared, variables ?? {}, contextValue);
    } catch (error) {
      return [toClientError(error, contextValue.correlationId)];
    }
    return {
      schema: this.schemaHost.schema,
      document: prepared.document,
      operationName: operationName ?? null,
      variableValues: variables ?? {},
      contextValue,
      prepared,
      operationId,
      state,
      executor: this.executor,
    };
  }

  async #execute(args: SocketExecutionArgs): Promise<ExecutionResult> {
    const startedAt = performance.now();
    const { errors, ...result } = await this.executor.execute({
      document: args.document,
      operationName: args.operationName,
      variables: args.variableValues ?? {},
      context: args.contextValue,
    });
    const shaped = errors?.map((error) => toClientError(error, args.contextValue.correlationId));
    this.#log(args, startedAt, shaped);
    return shaped === undefined ? result : { ...result, errors: shaped };
  }

  async #subscribe(
    args: SocketExecutionArgs,
  ): Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult> {
    const startedAt = performance.now();
    const writer = args.state.writer.forOperation(args.operationId);
    const live = await subscribeLive(args, rootFieldOf(args.prepared), writer);
    this.#log(args, startedAt, 'errors' in live ? live.errors : undefined);
    return live;
  }

  #log(
    { contextValue, prepared: { operation } }: SocketExecutionArgs,
    startedAt: number,
    errors: readonly GraphQLError[] | undefined,
  ): void {
    logOperation(
      'ws',
      contextValue,
      { type: operation.operation, name: operation.name?.value },
      startedAt,
      errors,
    );
  }
}

const tooManyOperations = (limit: number): AppError =>
  new AppError(ErrorCode.RATE_LIMITED, `A socket runs at most ${limit} operations at a time.`, {
    limit,
  });

const textOf = (data: RawData): string =>
  Buffer.isBuffer(data)
    ? data.toString()
    : Array.isArray(data)
      ? Buffer.concat(data).toString()
      : Buffer.from(data).toString();

/** Validation has seen to it that a subscription has exactly one field; fragments around it are looked through. */
function rootFieldOf({ document, operation }: PreparedOperation): FieldNode {
  const find = ({ selections }: SelectionSetNode): FieldNode | undefined => {
    const [selection] = selections;
    if (selection === undefined || selection.kind === Kind.FIELD) return selection;
    if (selection.kind === Kind.INLINE_FRAGMENT) return find(selection.selectionSet);
    const fragment = document.definitions.find(
      (definition): definition is FragmentDefinitionNode =>
        definition.kind === Kind.FRAGMENT_DEFINITION &&
        definition.name.value === selection.name.value,
    );
    return fragment && find(fragment.selectionSet);
  };
  const field = find(operation.selectionSet);
  if (field === undefined) throw new Error('BUG: a subscription without a field passed validation');
  return field;
}
