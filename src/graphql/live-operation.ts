import type { DocumentNode, ExecutionArgs, ExecutionResult, GraphQLError } from 'graphql';
import { createSourceEventStream } from 'graphql';
import type { Viewer } from '../auth/viewer.js';
import { AppError, ErrorCode } from '../errors.js';
import type { Rendered } from '../inbox/journal-feed.js';
import { JournalStream } from '../inbox/journal-stream.js';
import type { StreamEvent, StreamSink } from '../inbox/journal-stream.js';
import { toClientError } from './client-errors.js';
import { createContext } from './context.js';
import type { GraphqlContext } from './context.js';
import type { Executor } from './executor.js';
import { groupOf, planOf } from './live-plan.js';
import type { LivePlan } from './live-plan.js';
import type { LiveOperation, LiveSocket } from './live-socket.js';
import type { PreparedOperation } from './operation-rules.js';
import { RefusedSubscription } from './refused-subscription.js';
import { leaveWaiting } from './reservation.js';

/** Closes the object that a `next` message is; each socket begins it with the id of its own operation. */
const END_OF_MESSAGE = '}';

interface LiveArgs extends ExecutionArgs {
  contextValue: GraphqlContext;
  prepared: PreparedOperation;
  operationId: string;
  executor: Executor;
}

/** An operation that runs, with what its events are executed with. */
interface Running {
  readonly plan: LivePlan;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly context: GraphqlContext;
  readonly executor: Executor;
}

/**
 * Starts a subscription operation.
 * @returns what graphql-ws is to iterate, or an operation that is not iterated and writes its own frames
 */
export async function subscribeLive(
  args: LiveArgs,
  socket: LiveSocket,
): Promise<JournalOperation | RefusedSubscription | EventOperation> {
  const { contextValue: context, executor, operationId } = args;
  const source = await createSourceEventStream(args).catch(toResult);
  if (!(Symbol.asyncIterator in source))
    return new RefusedSubscription(operationId, shaped(source.errors ?? [], context), socket);
  const plan = planOf(args.prepared);
  const variables = args.variableValues ?? {};
  if (source instanceof JournalStream)
    return new JournalOperation(operationId, plan, variables, context, executor, source, socket);
  const running = { plan, variables, context, executor };
  return new EventOperation(plan.document, source, socket, (event) =>
    executeEvent(running, event, createContext({ viewer: context.viewer })),
  );
}

/** Only of a mistake of ours, for what resolvers throw is in the result already; it ends one operation and not the socket. */
const toResult = (error: unknown): ExecutionResult => ({ errors: [error as GraphQLError] });

const shaped = (
  errors: readonly GraphQLError[],
  { correlationId }: GraphqlContext,
): GraphQLError[] => errors.map((error) => toClientError(error, correlationId));

async function executeEvent(
  { plan: { document, operationName, root }, variables, context, executor }: Running,
  event: unknown,
  eventContext: GraphqlContext,
): Promise<ExecutionResult> {
  const { errors, ...result } = await executor.execute({
    document,
    operationName,
    variables,
    context: eventContext,
    rootValue: { [root.name.value]: event },
  });
  return errors === undefined ? result : { ...result, errors: shaped(errors, context) };
}

/** A subscription on the journal: executes each event once for all sockets of the viewer that ask alike. */
export class JournalOperation implements StreamSink, LiveOperation {
  #group: string | undefined;
  /** Made with the first event, for which many wait long. */
  #head: Buffer | undefined;

  constructor(
    readonly id: string,
    readonly plan: LivePlan,
    readonly variables: Readonly<Record<string, unknown>>,
    readonly context: GraphqlContext,
    readonly executor: Executor,
    private readonly stream: JournalStream,
    private readonly socket: LiveSocket,
  ) {}

  begin(): void {
    this.stream.connect(this).catch((error: unknown) => {
      this.stream.fail(error);
    });
  }

  return(): void {
    this.stream.close();
  }

  get document(): DocumentNode {
    return this.plan.document;
  }

  get ready(): boolean {
    return this.socket.ready;
  }

  /** Made when there is something to tell: whoever waits does not need it. */
  get group(): string {
    // Of what is told the cursors alone say in which life of the database it was stored.
    return (this.#group ??= [
      this.stream.epoch,
      rightsOf(this.context.viewer),
      groupOf(this.plan, this.variables),
    ].join(' '));
  }

  async render(events: readonly StreamEvent[]): Promise<readonly (Rendered | null)[]> {
    // One context for the page: its loaders batch over all events, and are as old as the page.
    const context = createContext({ viewer: this.context.viewer });
    return Promise.all(
      events.map(async (event) => {
        const result = await executeEvent(this, event, context);
        const failure = result.errors?.find(isPassing);
        // Not told and not passed over: the feed comes again with the same event.
        if (failure !== undefined)
          throw new AppError(ErrorCode.SERVICE_UNAVAILABLE, failure.message);
        return isGone(result) ? null : Buffer.from(`${JSON.stringify(result)}${END_OF_MESSAGE}`);
      }),
    );
  }

  send(answers: readonly (Rendered | null)[]): number {
    this.#head ??= Buffer.from(`{"id":${JSON.stringify(this.id)},"type":"next","payload":`);
    return this.socket.write({ head: this.#head, bodies: answers });
  }

  fail(error: unknown): void {
    this.socket.fail(this, [toClientError(error, this.context.correlationId)]);
  }

  [Symbol.asyncIterator](): AsyncIterator<never> {
    throw new Error('BUG: a journal operation writes its own frames, it is not iterated');
  }
}

/** Such an event can be told later; told as an error, it would be lost for whoever goes on behind it. */
const isPassing = ({ extensions }: GraphQLError): boolean =>
  extensions.code === ErrorCode.SERVICE_UNAVAILABLE;

/** What an event names was deleted, or taken from the viewer, between the journal's answer and the load. */
const isGone = ({ data, errors }: ExecutionResult): boolean =>
  data === null && errors?.every((error) => error.extensions.code === ErrorCode.NOT_FOUND) === true;

/** A subscription on something that is not journaled: one execution per event. */
class EventOperation implements AsyncIterableIterator<ExecutionResult> {
  readonly #source: AsyncIterator<unknown>;
  #isEnded = false;

  constructor(
    readonly document: DocumentNode,
    source: AsyncIterable<unknown>,
    private readonly socket: LiveSocket,
    private readonly execute: (event: unknown) => Promise<ExecutionResult>,
  ) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async next(): Promise<IteratorResult<ExecutionResult>> {
    try {
      const result = await this.#next();
      if (!this.#isEnded) return result;
    } catch (error) {
      if (!this.#isEnded) throw error;
    }
    return leaveWaiting();
  }

  async return(): Promise<IteratorResult<ExecutionResult>> {
    this.#isEnded = true;
    await this.#source.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #next(): Promise<IteratorResult<ExecutionResult>> {
    // The source says what is new when it is asked, so it is asked when there is nothing older on the way.
    await this.socket.sent();
    const result = await this.#source.next();
    return result.done === true
      ? { done: true, value: undefined }
      : { done: false, value: await this.execute(result.value) };
  }
}

/** One person's tokens may say different things, and each socket sees what its own one allows. */
const rightsOf = (viewer: Viewer | null): string =>
  viewer === null ? '' : `${viewer.isService} ${viewer.isAdmin}`;
