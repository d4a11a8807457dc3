import type {
  DocumentNode,
  ExecutionArgs,
  ExecutionResult,
  FieldNode,
  GraphQLError,
} from 'graphql';
import { createSourceEventStream, Kind, visit } from 'graphql';
import { ErrorCode } from '../errors.js';
import type { Rendered } from '../inbox/journal-feed.js';
import { JournalStream } from '../inbox/journal-stream.js';
import type { StreamEvent, StreamSink } from '../inbox/journal-stream.js';
import { toClientError } from './client-errors.js';
import { createContext } from './context.js';
import type { GraphqlContext } from './context.js';
import type { Executor } from './executor.js';

/** The way of a subscription's events to its client. */
export interface FrameWriter {
  /** False while the socket has more waiting than it should. */
  readonly ready: boolean;
  /** Sends one `next` message whose payload is this JSON, in UTF-8. */
  next(payload: Buffer): void;
}

interface LiveArgs extends ExecutionArgs {
  contextValue: GraphqlContext;
  executor: Executor;
}

/**
 * Starts a subscription operation.
 * @returns what graphql-ws is to iterate: a journal stream writes its own frames and only ends through the iterator
 */
export async function subscribeLive(
  args: LiveArgs,
  root: FieldNode,
  writer: FrameWriter,
): Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult> {
  const source = await createSourceEventStream(args);
  if (!(Symbol.asyncIterator in source)) return { errors: shaped(source.errors ?? [], args) };
  if (source instanceof JournalStream) return JournalOperation.start(args, root, source, writer);
  return new EventOperation(source, (event) => executeEvent(args, root, event, args.contextValue));
}

const shaped = (errors: readonly GraphQLError[], { contextValue }: LiveArgs): GraphQLError[] =>
  errors.map((error) => toClientError(error, contextValue.correlationId));

async function executeEvent(
  args: LiveArgs,
  root: FieldNode,
  event: unknown,
  { viewer }: GraphqlContext,
  contextValue = createContext({ viewer }),
): Promise<ExecutionResult> {
  const { errors, ...result } = await args.executor.execute({
    document: args.document,
    operationName: args.operationName,
    variables: args.variableValues ?? {},
    context: contextValue,
    rootValue: { [root.name.value]: event },
  });
  return errors === undefined ? result : { ...result, errors: shaped(errors, args) };
}

/** Ends, and is ended, like any iterator, but never waits inside a generator: return() wakes whoever waits in next(). */
class Ending implements AsyncIterableIterator<never> {
  #wake: ((result: IteratorResult<never>) => void) | undefined;
  #fail: ((error: unknown) => void) | undefined;
  #ended = false;
  #error: Error | undefined;

  constructor(private readonly onReturn: () => void) {}

  next(): Promise<IteratorResult<never>> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#wake = resolve;
      this.#fail = reject;
    });
  }

  return(): Promise<IteratorResult<never>> {
    this.#ended = true;
    this.onReturn();
    this.#wake?.({ done: true, value: undefined });
    return Promise.resolve({ done: true, value: undefined });
  }

  fail(error: Error): void {
    this.#error = error;
    this.#fail?.(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** A subscription on the journal: executes each event once for all sockets of the viewer that ask alike. */
class JournalOperation implements StreamSink {
  readonly group: string;
  readonly #end: Ending;

  private constructor(
    private readonly args: LiveArgs,
    private readonly root: FieldNode,
    stream: JournalStream,
    private readonly writer: FrameWriter,
  ) {
    this.group = groupOf(args, root);
    this.#end = new Ending(() => {
      stream.close();
    });
  }

  static start(
    args: LiveArgs,
    root: FieldNode,
    stream: JournalStream,
    writer: FrameWriter,
  ): AsyncIterableIterator<never> {
    const operation = new JournalOperation(args, root, stream, writer);
    // After the turn in which graphql-ws takes the iterator over, so that an end that has come meanwhile finds it.
    setImmediate(() => {
      stream.connect(operation).catch((error: unknown) => {
        operation.fail(error);
      });
    });
    return operation.#end;
  }

  get ready(): boolean {
    return this.writer.ready;
  }

  async render(events: readonly StreamEvent[]): Promise<readonly (Rendered | null)[]> {
    // One context for the page: its loaders batch over all events, and are as old as the page.
    const context = createContext({ viewer: this.args.contextValue.viewer });
    return Promise.all(
      events.map(async (event) => {
        const result = await executeEvent(this.args, this.root, event, context, context);
        const failure = result.errors?.find(isPassing);
        // Not told and not passed over: the feed comes again with the same event.
        if (failure !== undefined) throw failure;
        return isGone(result) ? null : Buffer.from(JSON.stringify(result));
      }),
    );
  }

  send(payload: Rendered): void {
    this.writer.next(payload);
  }

  fail(error: unknown): void {
    this.#end.fail(toClientError(error, this.args.contextValue.correlationId));
  }
}

/** Such an event can be told later; told as an error, it would be lost for whoever goes on behind it. */
const isPassing = ({ extensions }: GraphQLError): boolean =>
  extensions.code === ErrorCode.SERVICE_UNAVAILABLE;

/** What an event names was deleted, or taken from the viewer, between the journal's answer and the load. */
const isGone = ({ data, errors }: ExecutionResult): boolean =>
  data === null && errors?.every((error) => error.extensions.code === ErrorCode.NOT_FOUND) === true;

/**
 * Equal for operations that give the same answer to the same event. `after` decides where a stream starts, not what its
 * events look like, so a variable that is used there and nowhere else does not count.
 */
function groupOf({ document, operationName, variableValues }: LiveArgs, root: FieldNode): string {
  const uses = new Map<string, number>();
  visit(document, {
    Variable(node, _key, parent) {
      const isDefinition =
        parent !== undefined && 'kind' in parent && parent.kind === Kind.VARIABLE_DEFINITION;
      if (!isDefinition) uses.set(node.name.value, (uses.get(node.name.value) ?? 0) + 1);
    },
  });
  const after = root.arguments?.find(({ name }) => name.value === 'after')?.value;
  const ignored =
    after?.kind === Kind.VARIABLE && uses.get(after.name.value) === 1
      ? after.name.value
      : undefined;
  const variables = Object.entries(variableValues ?? {}).filter(([name]) => name !== ignored);
  return JSON.stringify([
    documentKey(document),
    operationName ?? null,
    variables.sort(([a], [b]) => (a < b ? -1 : 1)),
  ]);
}

/** Documents are remembered by their text, so a number stands for it: each socket would keep the text otherwise. */
const documentKeys = new WeakMap<DocumentNode, number>();
let documentCount = 0;

function documentKey(document: DocumentNode): number {
  let key = documentKeys.get(document);
  if (key === undefined) {
    key = documentCount++;
    documentKeys.set(document, key);
  }
  return key;
}

/** A subscription on something that is not journaled: one execution per event. */
class EventOperation implements AsyncIterableIterator<ExecutionResult> {
  readonly #source: AsyncIterator<unknown>;

  constructor(
    source: AsyncIterable<unknown>,
    private readonly execute: (event: unknown) => Promise<ExecutionResult>,
  ) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async next(): Promise<IteratorResult<ExecutionResult>> {
    const result = await this.#source.next();
    return result.done === true
      ? { done: true, value: undefined }
      : { done: false, value: await this.execute(result.value) };
  }

  async return(): Promise<IteratorResult<ExecutionResult>> {
    await this.#source.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
