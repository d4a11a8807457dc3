import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ApolloRules } from '../src/graphql/apollo.plugin.js';
import type { TestApp } from './support/app.js';
import { startApp } from './support/app.js';
import { ANN, NOWHERE } from './support/compiled-cases.js';
import type { By } from './support/executions.js';
import { fresh, untilCompiling, watchExecutions } from './support/executions.js';
import { RawConnection, rawRequest } from './support/raw-http.js';
import { openThread } from './support/seeds.js';

const THREADS = `query Threads($first: Int) { threads(first: $first) { nodes { id } } }
query Thread($id: ID!) { thread(id: $id) { id } }
mutation Mute($i: MuteThreadInput!) { muteThread(input: $i) { thread { id } } }`;

interface Ask {
  readonly query: string;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly isAnonymous?: true;
  /** Sent in place of the JSON of the request. */
  readonly text?: (query: string) => string;
  readonly method?: string;
}

let app: TestApp;
let executed: By[];
let token: string;
let threadId: string;
let connection: RawConnection;
let throughApollo = 0;

beforeAll(async () => {
  app = await startApp();
  connection = await RawConnection.open(app.url);
  token = await app.token(ANN.sub, ANN.claims);
  threadId = (await openThread(app)).id;
  executed = watchExecutions(app);
  await untilCompiling(app, executed);
  const rules = app.get(ApolloRules);
  const { requestDidStart } = rules;
  rules.requestDidStart = () => {
    throughApollo += 1;
    return requestDidStart.call(rules);
  };
});
afterAll(async () => {
  connection.cut();
  await app.stop();
});

/** Everything that a client sees of an answer. */
async function ask({
  query,
  body,
  headers,
  isAnonymous,
  text,
  method = 'POST',
}: Ask): Promise<string> {
  const search = method === 'GET' ? `?${new URLSearchParams({ query, ...body }).toString()}` : '';
  connection.write(
    ...rawRequest({
      method,
      path: `/graphql${search}`,
      headers: {
        'content-type': 'application/json',
        ...(isAnonymous ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(method === 'GET' ? {} : { body: text?.(query) ?? JSON.stringify({ query, ...body }) }),
    }),
  );
  const answer = await connection.answer();
  if (/\r\nconnection: close/i.test(answer)) connection = await RawConnection.open(app.url);
  return answer;
}

/** The same text with each operation of it known, and its twin that nobody has asked for. */
async function makeKnown(query: string): Promise<{ known: string; unknown: string }> {
  const known = fresh(query);
  for (let use = 0; use < 3; use++) {
    await ask({ query: known, body: { operationName: 'Threads' } });
    await ask({ query: known, body: { operationName: 'Thread', variables: { id: threadId } } });
    await ask({
      query: known,
      body: { operationName: 'Mute', variables: { i: { threadId, until: null } } },
    });
  }
  expect(executed.slice(-3)).toEqual(['compiled', 'compiled', 'compiled']);
  return { known, unknown: fresh(query) };
}

const PAGE = { operationName: 'Threads', variables: { first: 1 } };

describe('an operation that is known is answered without Apollo, and like by it', () => {
  it.each<[string, Omit<Ask, 'query'>]>([
    ['plainly', { body: PAGE }],
    ['with no variables', { body: { operationName: 'Threads' } }],
    ['with null for what is not told', { body: { ...PAGE, variables: null, extensions: null } }],
    ['by a mutation', { body: { operationName: 'Mute', variables: { i: { threadId: NOWHERE } } } }],
    [
      'with what clients say of themselves',
      { body: { ...PAGE, extensions: { clientLibrary: {} } } },
    ],
    ['as JSON in so many words', { headers: { accept: 'application/json' }, body: PAGE }],
    ['in UTF-8', { headers: { 'content-type': 'application/json; charset=utf-8' }, body: PAGE }],
    [
      'as the newer media type, by what Apollo’s client accepts',
      {
        headers: { accept: 'application/graphql-response+json,application/json;q=0.9' },
        body: PAGE,
      },
    ],
    ['with an error', { body: { operationName: 'Thread', variables: { id: NOWHERE } } }],
    [
      'with an error of its input',
      { body: { operationName: 'Threads', variables: { first: 501 } } },
    ],
  ])('%s', async (_name, request) => {
    const { known, unknown } = await makeKnown(THREADS);
    const before = throughApollo;
    const quick = await ask({ ...request, query: known });
    expect(throughApollo).toBe(before);
    expect(quick).toBe(await ask({ ...request, query: unknown }));
    expect(throughApollo).toBe(before + 1);
  });
});

describe('a request that is unusual is Apollo’s, whether its operation is known or not', () => {
  it.each<[string, Omit<Ask, 'query'>]>([
    ['no token', { isAnonymous: true, body: PAGE }],
    ['a token that is none', { headers: { authorization: 'Bearer a.b.c' }, body: PAGE }],
    ['an operation that is not in it', { body: { operationName: 'Other' } }],
    ['none of its operations', { body: { variables: {} } }],
    ['a name that is no text', { body: { operationName: 1 } }],
    ['variables that are a text', { body: { ...PAGE, variables: '{"first":1}' } }],
    ['variables that are a list', { body: { ...PAGE, variables: [1] } }],
    ['a variable that does not fit', { body: { ...PAGE, variables: { first: 'x' } } }],
    ['extensions that are a text', { body: { ...PAGE, extensions: 'x' } }],
    ['a persisted query', { body: { ...PAGE, extensions: { persistedQuery: { version: 1 } } } }],
    ['nothing that it would accept', { headers: { accept: 'image/png' }, body: PAGE }],
    ['an acceptable page', { headers: { accept: 'text/html' }, body: PAGE }],
    [
      'a preference among types',
      { headers: { accept: 'application/json;q=0.1, */*' }, body: PAGE },
    ],
    ['a form', { headers: { 'content-type': 'text/plain' }, body: PAGE }],
    ['a batch', { text: (query) => JSON.stringify([{ query, ...PAGE }]) }],
    ['half a text', { text: (query) => JSON.stringify({ query, ...PAGE }).slice(0, -5) }],
    [
      'a body that would be another object’s prototype',
      { text: (query) => JSON.stringify({ query, ...PAGE }).replace('{', '{"__proto__":{},') },
    ],
    ['a query in its address', { method: 'GET', body: { operationName: 'Threads' } }],
    ['a mutation in its address', { method: 'GET', body: { operationName: 'Mute' } }],
  ])('%s', async (_name, request) => {
    const { known, unknown } = await makeKnown(THREADS);
    expect(await ask({ ...request, query: known })).toBe(await ask({ ...request, query: unknown }));
  });

  it('more than one may ask for', async () => {
    const deep =
      'query Threads($first: Int) { threads(first: $first) { nodes { participants { user { id displayName } } lastMessage { id body sender { id displayName avatarUrl } } tourist { id displayName } guide { id displayName } } } }';
    const known = fresh(deep);
    for (let use = 0; use < 4; use++) await ask({ query: known, body: PAGE });
    expect(executed.at(-1)).toBe('compiled');
    const body = { ...PAGE, variables: { first: 500 } };
    const answer = await ask({ query: known, body });
    expect(answer).toContain('QUERY_TOO_COMPLEX');
    expect(answer).toBe(await ask({ query: fresh(deep), body }));
  });
});
