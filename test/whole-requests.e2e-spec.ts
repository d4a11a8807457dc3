import type { Server } from 'node:http';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { TestApp } from './support/app.js';
import { startApp, until } from './support/app.js';
import { ANN } from './support/compiled-cases.js';
import type { By } from './support/executions.js';
import { fresh, untilCompiling, watchExecutions } from './support/executions.js';
import type { RawRequest } from './support/raw-http.js';
import { RawConnection, rawRequest } from './support/raw-http.js';
import { openThread } from './support/seeds.js';

const QUERY = 'query ($id: ID!) { thread(id: $id) { id tourist { displayName } } }';

/** An app with an operation that it knows, and connections to it. */
class Scene {
  throughFastify = 0;
  readonly known = fresh(QUERY);
  readonly #connections: RawConnection[] = [];

  private constructor(
    readonly app: TestApp,
    private readonly headers: Readonly<Record<string, string>>,
    private readonly threadId: string,
    private readonly executed: By[],
  ) {
    this.adapter.setOnRequestHook((_request: unknown, _reply: unknown, done: () => void) => {
      this.throughFastify += 1;
      done();
    });
  }

  static async set(environment?: Readonly<Record<string, string>>): Promise<Scene> {
    const app = await startApp(environment);
    const executed = watchExecutions(app);
    await untilCompiling(app, executed);
    const authorization = `Bearer ${await app.token(ANN.sub, { ...ANN.claims, name: 'Ånn 安' })}`;
    const headers = { 'content-type': 'application/json', authorization };
    const { id } = await openThread(app);
    const scene = new Scene(app, headers, id, executed);
    const connection = await scene.connect();
    for (let use = 0; use < 3; use++) {
      connection.write(...scene.request(scene.known));
      await connection.answer();
    }
    expect(executed.at(-1)).toBe('compiled');
    return scene;
  }

  get adapter(): FastifyAdapter {
    return this.app.get(HttpAdapterHost).httpAdapter as FastifyAdapter;
  }

  get executions(): number {
    return this.executed.length;
  }

  request(query: string, request: RawRequest = {}): [string, string] {
    const body = JSON.stringify({ query, variables: { id: this.threadId } });
    return rawRequest({ body, ...request, headers: { ...this.headers, ...request.headers } });
  }

  async connect(): Promise<RawConnection> {
    const connection = await RawConnection.open(this.app.url);
    this.#connections.push(connection);
    return connection;
  }

  cutAll(): void {
    for (const connection of this.#connections.splice(0)) connection.cut();
  }
}

describe('a known operation', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await Scene.set();
  });
  afterEach(() => {
    scene.cutAll();
  });
  afterAll(() => scene.app.stop());

  /** What is answered to the unknown twin of an operation, and whether Fastify was asked for the known one. */
  async function answers(request?: RawRequest): Promise<{ isFastifys: boolean; answer: string }> {
    const before = scene.throughFastify;
    const connection = await scene.connect();
    connection.write(...scene.request(scene.known, request));
    const answer = await connection.answer();
    const isFastifys = scene.throughFastify > before;
    const other = await scene.connect();
    other.write(...scene.request(fresh(QUERY), request));
    expect(await other.answer()).toBe(answer);
    return { isFastifys, answer };
  }

  it('is answered before Fastify is asked where the request is there as a whole', async () => {
    const { isFastifys, answer } = await answers();
    expect(isFastifys).toBe(false);
    expect(Buffer.from(answer, 'latin1').toString()).toContain('Ånn 安');
  });

  it.each<[string, RawRequest]>([
    ['on a connection that is to be closed', { headers: { connection: 'close' } }],
    ['by the older protocol', { version: '1.0' }],
    [
      'in UTF-8, as the type says',
      { headers: { 'content-type': 'application/json; charset=utf-8' } },
    ],
  ])('is answered alike %s', async (_name, request) => {
    expect((await answers(request)).isFastifys).toBe(false);
  });

  it.each<[string, () => RawRequest]>([
    ['is large', () => ({ body: scene.request(scene.known)[1].padEnd(20_000) })],
    ['is empty', () => ({ body: '' })],
    ['has an address with more to it', () => ({ path: '/graphql?a=b' })],
    ['is of another type', () => ({ headers: { 'content-type': 'application/json; a=b' } })],
    [
      'is larger than allowed',
      () => ({ body: '', headers: { 'content-length': String(2 ** 20 + 1) } }),
    ],
  ])('is Fastify’s where the request %s', async (_name, request) => {
    expect((await answers(request())).isFastifys).toBe(true);
  });

  it('has the same answer when its body comes later, and in chunks', async () => {
    const connection = await scene.connect();
    const [head, body] = scene.request(scene.known);
    connection.write(head, body, head);
    const whole = await connection.answer();
    const before = scene.throughFastify;
    // The first answer shows that the second head has been read.
    connection.write(body.slice(0, 9));
    connection.write(body.slice(9));
    expect(await connection.answer()).toBe(whole);
    const chunked = { headers: { 'transfer-encoding': 'chunked' } };
    const chunk = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    connection.write(...scene.request(scene.known, { ...chunked, body: chunk }));
    expect(await connection.answer()).toBe(whole);
    expect(scene.throughFastify).toBeGreaterThan(before);
  });

  it('is answered in its turn among requests that are sent at once', async () => {
    const connection = await scene.connect();
    const absent = JSON.stringify({ query: scene.known, variables: { id: 'abc' } });
    const misfit = JSON.stringify({ query: scene.known, variables: { id: {} } });
    connection.write(
      ...scene.request(scene.known),
      ...scene.request(scene.known, { body: absent }),
      ...scene.request(fresh(QUERY)),
      ...scene.request(scene.known, { body: misfit }),
      ...rawRequest({ method: 'GET', path: '/health/live' }),
      ...scene.request(scene.known),
    );
    const first = await connection.answer();
    expect(first).toContain('"data":{"thread":{"id"');
    expect(await connection.answer()).toContain('BAD_USER_INPUT');
    expect(await connection.answer()).toBe(first);
    expect(await connection.answer()).toContain('Variable \\"$id\\"');
    expect(await connection.answer()).toMatch(/^HTTP\/1.1 200/);
    expect(await connection.answer()).toBe(first);
  });

  it('is nobody’s loss when its client is gone', async () => {
    const before = scene.executions;
    const [halfway, gone] = [await scene.connect(), await scene.connect()];
    const [head, body] = scene.request(scene.known);
    halfway.write(head, body.slice(0, 20));
    halfway.cut();
    gone.write(head, body);
    gone.cut();
    await until(() => scene.executions > before, 'what was asked for is executed');
    expect((await answers()).isFastifys).toBe(false);
  });
});

describe('a whole request for a known operation', () => {
  it('is refused while the server stops, as any other', async () => {
    const scene = await Scene.set();
    const connection = await scene.connect();
    const [head, body] = scene.request(scene.known);
    connection.write(head, body, head);
    const answer = await connection.answer();
    const closed = scene.app.close();
    const server = scene.adapter.getHttpServer<Server>();
    await until(() => !server.listening, 'the server stops');
    connection.write(body, ...scene.request(scene.known));
    expect(await connection.answer()).toBe(answer);
    expect(await connection.answer()).toMatch(
      /^HTTP\/1.1 503 .*\r\nConnection: close\r\n.*"Service Unavailable"/s,
    );
    await closed;
    await scene.app.stop();
  });

  it.each(['*', 'https://market.example'])('has the headers for %s', async (origin) => {
    const scene = await Scene.set({ ALLOWED_ORIGINS: origin });
    const connection = await scene.connect();
    const headers = { origin: 'https://market.example' };
    connection.write(...scene.request(scene.known, { headers }));
    const answer = await connection.answer();
    expect(answer).toMatch(
      new RegExp(`access-control-allow-origin: ${origin.replace('*', '\\*')}`, 'i'),
    );
    connection.write(...scene.request(fresh(QUERY), { headers }));
    expect(await connection.answer()).toBe(answer);
    scene.cutAll();
    await scene.app.stop();
  });
});
