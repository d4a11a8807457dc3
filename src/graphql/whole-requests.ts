import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { GRAPHQL_PATH } from './endpoint.js';
import { jsonParserOf } from './json-body.js';
import type { KnownAnswer, KnownOperations } from './known-operations.js';

/** Of a body of fewer bytes Node.js reads all that comes, so it can lie ready. */
const MOST_BYTES = 16_000;

/**
 * Answers known operations before Fastify is asked, where the whole request lies ready, as the small ones of most clients
 * do. Routes, hooks and the stream of a body cost more than a known operation's own execution (docs/performance.md). What is not
 * answered here goes to Fastify untouched, and so does everything where it adds to answers (CORS) or while it refuses them
 * (a stop).
 */
export function answerWholeRequests(fastify: FastifyInstance, operations: KnownOperations): void {
  const { server } = fastify;
  const ordinary = server.listeners('request') as RequestListener[];
  const passOn: RequestListener = (...request) => {
    for (const listener of ordinary) listener.apply(server, request);
  };
  let isClosing = false;
  fastify.addHook('preClose', (done) => {
    isClosing = true;
    done();
  });

  const parseJson = jsonParserOf(fastify);
  const parsed = (request: IncomingMessage, bytes: Buffer): unknown => {
    let body: unknown;
    // It looks at nothing but the bytes, and calls back at once; what is refused stays undefined.
    parseJson(request as never, bytes, (_error, value) => {
      body = value;
    });
    return body;
  };

  const answer = (request: IncomingMessage, response: ServerResponse): boolean => {
    const isWhole = request.readableLength === lengthOf(request);
    const bytes = isWhole ? (request.read() as Buffer) : undefined;
    const known = bytes && operations.start(request.headers, parsed(request, bytes));
    if (known === undefined) {
      if (bytes !== undefined) request.unshift(bytes);
      return false;
    }
    // To its end, of which Node.js waits to hear.
    request.resume();
    void send(response, known);
    return true;
  };

  server.removeAllListeners('request');
  server.on('request', (request, response) => {
    if (isClosing || !isSmallPost(request)) {
      passOn(request, response);
      return;
    }
    // What has come of the body is there after this event, before anything else comes.
    process.nextTick(() => {
      if (!answer(request, response)) passOn(request, response);
    });
  });
}

const isSmallPost = (request: IncomingMessage): boolean =>
  request.method === 'POST' &&
  request.url === GRAPHQL_PATH &&
  lengthOf(request) > 0 &&
  lengthOf(request) < MOST_BYTES &&
  /^application\/json(; ?charset=utf-8)?$/i.test(request.headers['content-type'] ?? '');

/** NaN for a body in chunks, which is as long as it will be. */
const lengthOf = ({ headers }: IncomingMessage): number => Number(headers['content-length']);

async function send(response: ServerResponse, { mediaType, text }: KnownAnswer): Promise<void> {
  const body = await text;
  const length = Buffer.byteLength(body);
  response.writeHead(200, { 'content-type': mediaType, 'content-length': length });
  // A byte for each character is ASCII: Node.js writes that faster where it need not look for anything else (docs/performance.md).
  response.end(body, length === body.length ? 'latin1' : 'utf8');
}
