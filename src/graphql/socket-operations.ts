import type { Socket } from 'node:net';
import { Injectable, Logger } from '@nestjs/common';
import { GraphQLSchemaHost } from '@nestjs/graphql';
import type {
  ExecutionArgs,
  ExecutionResult,
  GraphQLError,
  OperationDefinitionNode,
} from 'graphql';
import { OperationTypeNode } from 'graphql';
import type { ServerOptions, SubscribePayload } from 'graphql-ws';
import { makeServer } from 'graphql-ws';
import { identify } from '../auth/identity.js';
import { TokenVerifier } from '../auth/token-verifier.js';
import { Config } from '../config.js';
import { AppError, ErrorCode } from '../errors.js';
import { Hub } from '../inbox/hub.js';
import { toClientError } from './client-errors.js';
import { withoutRest } from './client-messages.js';
import type { GraphqlContext } from './context.js';
import { createContext } from './context.js';
import { Executor } from './executor.js';
import { LiveHandover } from './live-handover.js';
import { subscribeLive } from './live-operation.js';
import { logOperation } from './operation-log.js';
import { OperationRules } from './operation-rules.js';
import type { PreparedOperation } from './operation-rules.js';
import type { Reservation } from './reservation.js';
import { SocketPresence } from './socket-presence.js';
import type { ClientSocket, ConnectionEvents, SocketContext } from './socket-connection.js';
import { SocketConnection } from './socket-connection.js';
import { requireShortTexts } from './socket-texts.js';
import { TokenExpiry } from './token-expiry.js';

/** The stock client tries again after 1013, and gives up for good after 4500 or 1011. */
const TRY_AGAIN_LATER = 1013;
interface SocketExecutionArgs extends ExecutionArgs {
  contextValue: GraphqlContext;
  prepared: PreparedOperation;
  operationId: string;
  payload: SubscribePayload;
  reservation: Reservation;
  context: SocketContext;
  executor: Executor;
}

/** Runs operations that come over a socket, under the very rules of those that come over HTTP. */
@Injectable()
export class SocketOperations implements ConnectionEvents {
  readonly sockets = new Set<ClientSocket>();
  readonly #expiry = new TokenExpiry(this.sockets);
  readonly #logger = new Logger('Socket');
  readonly #server;
  readonly #handover = new LiveHandover();
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
    this.#server = makeServer<Record<string, unknown>, SocketConnection>({
      // SocketConnection waits instead: this timer would be kept as long as the socket.
      connectionInitWaitTimeout: 0,
      onConnect: (context) => this.#connect(context),
      onSubscribe: (context, id, payload) => {
        const reservation = this.#handover.reserve(context, id);
        return reservation.unlessEnded(this.#prepare(context, id, payload, reservation));
      },
      execute: (args) => {
        const { reservation } = args as SocketExecutionArgs;
        return reservation.unlessEnded(this.#execute(args as SocketExecutionArgs));
      },
      subscribe: (args) => {
        const { reservation } = args as SocketExecutionArgs;
        return reservation.unlessEnded(this.#subscribe(args as SocketExecutionArgs));
      },
      onError: (_context, _id, _payload, errors) =>
        errors.map((error) => toClientError(error).toJSON()),
    } satisfies ServerOptions<Record<string, unknown>, SocketConnection>);
  }

  /** Sockets that have not yet shown who they are. */
  get pending(): number {
    return this.#pending;
  }

  /** @param stream the connection under the socket */
  serve(socket: ClientSocket, stream: Socket): void {
    const connection = new SocketConnection(socket, stream, this);
    this.sockets.add(socket);
    this.#pending += 1;
    connection.open(this.#server);
  }

  drained({ viewer }: SocketConnection): void {
    if (viewer !== null) this.hub.resume(viewer.userId);
  }

  failed(connection: SocketConnection, error: unknown): void {
    this.#logger.error(error instanceof Error ? error.stack : String(error));
    connection.close(TRY_AGAIN_LATER, 'Try again later');
  }

  handled(message: unknown): void {
    const payload = (message as { payload?: SubscribePayload } | null)?.payload;
    if (payload !== undefined) this.#handover.end(payload);
  }

  closed({ socket, viewer }: SocketConnection): void {
    this.sockets.delete(socket);
    if (viewer === null) this.#pending -= 1;
    else this.presence.left(viewer.userId, !viewer.isService);
  }

  async #connect(context: SocketContext): Promise<boolean> {
    const { connectionParams, extra: connection } = context;
    connection.heardWho();
    connection.context = context;
    // The token has done its work, and is longer than most of what a socket keeps.
    (context as { connectionParams?: unknown }).connectionParams = undefined;
    const { viewer, refusal } = await identify(
      this.verifier,
      connectionParams?.authorization,
      false,
    );
    if (!connection.isOpen) return true;
    if (viewer === null) {
      if (refusal?.code !== ErrorCode.SERVICE_UNAVAILABLE) return false;
      connection.close(TRY_AGAIN_LATER, refusal.message);
      return true;
    }
    if (this.presence.socketsOf(viewer.userId) >= this.config.MAX_SOCKETS_PER_PERSON) {
      connection.close(TRY_AGAIN_LATER, 'Too many connections of one person');
      return true;
    }
    connection.viewer = viewer;
    this.#pending -= 1;
    this.presence.came(viewer.userId, !viewer.isService);
    this.#expiry.watch(viewer);
    return true;
  }

  async #prepare(
    context: SocketContext,
    operationId: string,
    payload: SubscribePayload,
    reservation: Reservation,
  ): Promise<SocketExecutionArgs | readonly GraphQLError[]> {
    const { query, operationName } = payload;
    let variables = payload.variables ?? {};
    const startedAt = performance.now();
    const contextValue = createContext({ viewer: context.extra.viewer });
    let operation: OperationDefinitionNode | undefined;
    const refuse = (errors: readonly unknown[]): readonly GraphQLError[] => {
      const shaped = errors.map((error) => toClientError(error, contextValue.correlationId));
      this.#log(contextValue, operation, startedAt, shaped);
      return shaped;
    };
    const running = Object.keys(context.subscriptions).length + context.extra.abandoned;
    if (running > this.config.MAX_OPERATIONS_PER_SOCKET)
      return refuse([tooManyOperations(this.config.MAX_OPERATIONS_PER_SOCKET)]);
    let prepared;
    try {
      prepared = this.rules.prepare({ query, operationName, variables });
      if (!('document' in prepared)) return refuse(prepared);
      ({ operation } = prepared);
      variables = withoutRest(payload, operation);
      if (operation.operation === OperationTypeNode.SUBSCRIPTION) {
        reservation.document = prepared.document;
        requireShortTexts(context.subscriptions);
      }
      await this.rules.beforeExecution(prepared, variables, contextValue);
    } catch (error) {
      return refuse([error]);
    }
    return {
      schema: this.schemaHost.schema,
      document: prepared.document,
      operationName: operationName ?? null,
      variableValues: variables,
      hideSuggestions: !this.config.INTROSPECTION,
      contextValue,
      prepared,
      operationId,
      payload,
      reservation,
      context,
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
    this.#log(args.contextValue, args.prepared.operation, startedAt, shaped);
    return shaped === undefined ? result : { ...result, errors: shaped };
  }

  async #subscribe(
    args: SocketExecutionArgs,
  ): Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult> {
    const startedAt = performance.now();
    const live = await subscribeLive(args, args.context.extra);
    const errors = 'errors' in live ? live.errors : undefined;
    this.#log(args.contextValue, args.prepared.operation, startedAt, errors);
    if (args.reservation.isEnded) {
      void live.return();
      return {};
    }
    return 'begin' in live ? this.#handover.begin(args.context, args.payload, live) : live;
  }

  #log(
    context: GraphqlContext,
    operation: OperationDefinitionNode | undefined,
    startedAt: number,
    errors: readonly GraphQLError[] | undefined,
  ): void {
    const { operation: type, name } = operation ?? {};
    logOperation('ws', context, { type, name: name?.value }, startedAt, errors);
  }
}

const tooManyOperations = (limit: number): AppError =>
  new AppError(ErrorCode.RATE_LIMITED, `A socket runs at most ${limit} operations at a time.`, {
    limit,
  });
