import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  buildClientSchema,
  buildSchema,
  getIntrospectionQuery,
  getNamedType,
  isRequiredArgument,
  lexicographicSortSchema,
  printSchema,
} from 'graphql';
import type { TestApp } from './support/app.js';
import { startApp } from './support/app.js';
import type { Caller } from './support/compiled-cases.js';
import { ANN, ANN_AS_ADMIN, CASES, NOWHERE, SERVICE } from './support/compiled-cases.js';
import type { Everything } from './support/everything.js';
import { seedEverything } from './support/everything.js';
import type { By, Door } from './support/executions.js';
import { fresh, openDoors, untilCompiling, watchExecutions } from './support/executions.js';
import { ADMIN } from './support/seeds.js';
import { fieldsOf, selectionOf, typesBelowQuery } from './support/selections.js';

const schema = buildSchema(readFileSync('src/schema.graphql', 'utf8'));

let app: TestApp;
let executed: By[];
let seeded: Everything;
const doors = new Map<Caller, readonly Door[]>();

beforeAll(async () => {
  app = await startApp();
  seeded = await seedEverything(app);
  for (const caller of [ANN, ANN_AS_ADMIN, SERVICE])
    doors.set(caller, await openDoors(app, caller));
  executed = watchExecutions(app);
  await untilCompiling(app, executed);
});
afterAll(() => app.stop());

/** Asks four times through each door, and requires the same answer, the last time by the compiled function. */
async function requireSame(
  query: string,
  variables?: unknown,
  caller: Caller = ANN,
  by: By = 'compiled',
): Promise<string> {
  let answer = '';
  for (const ask of doors.get(caller) ?? []) {
    const own = fresh(query);
    const before = executed.length;
    const cold = await ask(own, variables);
    await ask(own, variables);
    await ask(own, variables);
    answer = await ask(own, variables);
    expect(executed.slice(before)).toEqual(['graphql-js', 'graphql-js', by, by]);
    expect(answer).toBe(cold);
  }
  return answer;
}

describe('a compiled query gives to the byte what graphql-js gives', () => {
  const visited = new Set<string>();
  const roots = Object.values(schema.getQueryType()!.getFields());

  it.each(roots.map((field) => [field.name, field] as const))('for %s', async (name, field) => {
    const variants = seeded.argumentsOf[name] ?? [''];
    expect(field.args.some(isRequiredArgument) && variants[0] === '').toBe(false);
    for (const args of variants)
      // As deep as one operation may be; what is not reached so is reached from another root.
      for (const depth of [0, 1, 2, 3]) {
        const before = new Set(visited);
        const { name: type } = getNamedType(field.type);
        const query = `{ ${name}${args} ${selectionOf(schema, type, depth, before)} }`;
        const { errors } = await app.as('ann', ADMIN).send(fresh(query));
        if (errors?.[0]?.extensions.code === 'QUERY_TOO_COMPLEX') break;
        expect(errors).toBeUndefined();
        await requireSame(query, undefined, ANN_AS_ADMIN);
        for (const each of before) visited.add(each);
      }
  });

  it('for every field of every type that a query comes to', () => {
    const all = typesBelowQuery(schema).flatMap(({ name }) =>
      fieldsOf(schema, name).map((field) => `${name}.${field.name}`),
    );
    expect(all.filter((name) => !visited.has(name))).toEqual([]);
  });
});

describe('introspection', () => {
  it('tells, also when it is asked again, the very schema', async () => {
    const query = fresh(getIntrospectionQuery());
    for (let use = 0; use < 4; use++) {
      const told = buildClientSchema(await app.as('ann').run(query));
      expect(printSchema(lexicographicSortSchema(told))).toBe(
        printSchema(lexicographicSortSchema(schema)),
      );
    }
    expect(executed.at(-1)).toBe('compiled');
  });

  it('tells default values as they are written', async () => {
    const { __schema } = await app
      .as('ann')
      .run('{ __schema { directives { name args { name defaultValue } } } }');
    const { args } = __schema.directives.find(({ name }: any) => name === 'deprecated');
    expect(args).toEqual([{ name: 'reason', defaultValue: '"No longer supported"' }]);
  });
});

describe('a compiled operation answers as graphql-js does', () => {
  it.each(CASES.map(([name, ...rest]) => [name, rest] as const))(
    'to %s',
    async (_name, [query, variables, caller]) => {
      await requireSame(query, variables?.(seeded), caller);
    },
  );

  const id = 'query ($id: ID!) {\n  thread(id: $id) { id } }';
  const page = 'query ($n: Int!) { threads(first: $n) { nodes { id } } }';
  const filter = 'query ($f: MessageFilter!) { messages(filter: $f) { nodes { id } } }';
  it.each<[string, string, unknown]>([
    ['is missing', id, {}],
    ['is null where it must not be', id, { id: null }],
    ['is an object in place of an id', id, { id: { a: 1 } }],
    ['is a text in place of a number', page, { n: '5' }],
    ['is a fraction', page, { n: 1.5 }],
    ['is too large', page, { n: 2 ** 40 }],
    ['is no member of its enum', filter, { f: { messageType: 'SMELL' } }],
    ['has a part that nobody knows', filter, { f: { color: 'red' } }],
    ['has two parts at fault', filter, { f: { unread: 'yes', messageType: 5 } }],
    ['is a list in place of an input', filter, { f: [1, 2] }],
  ])('to a variable that %s', async (_name, query, variables) => {
    await requireSame(query, variables, ANN, 'graphql-js');
  });

  it('to one that is too long to be kept', async () => {
    await requireSame(
      `{ viewer { user { id } } } #${' '.repeat(16_384)}`,
      undefined,
      ANN,
      'graphql-js',
    );
  });

  const few = 'fragment F on Viewer { unreadThreadCount }';
  const more = `fragment G on Viewer { unreadMessageCount ...F } ${few}`;
  it.each([
    ['a fragment', `{ viewer { ...F @skip(if: true) ...F } } ${few}`],
    ['a fragment around it', `{ viewer { ...G @include(if: false) ...F } } ${more}`],
    ['an object', `{ viewer @skip(if: true) { ...G } viewer { cursor } } ${more}`],
    ['an object around it', `{ viewer @skip(if: true) { ...F } viewer { ...F } } ${few}`],
    ['what both are in', `{ ... @skip(if: true) { viewer { ...G } } viewer { cursor } } ${more}`],
  ])('to what is asked for again where %s was left out', async (_name, query) => {
    await requireSame(query, undefined, ANN, 'graphql-js');
  });

  it('to one whose answer bears a name that an object has for its prototype', async () => {
    const query = '{ a: viewer { __proto__: cursor } __proto__: viewer { cursor } b: __typename }';
    const answer = await requireSame(query, undefined, ANN, 'graphql-js');
    expect(answer.match(/"__proto__":/g)).toHaveLength(2);
  });

  // Fields beside each other are resolved at once, so the order of their errors is nobody's promise.
  it('to several errors, whichever comes first', async () => {
    const query = fresh(
      `{ a: thread(id: "${NOWHERE}") { id } b: thread(id: "${NOWHERE}") { id } c: thread(id: "abc") { id } viewer { cursor } }`,
    );
    const answers = [];
    for (let use = 0; use < 4; use++) answers.push(await app.as('ann').send(query));
    const [cold, , , compiled] = answers.map(({ data, errors }) => ({
      data,
      errors: [...(errors ?? [])].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    }));
    expect(executed.at(-1)).toBe('compiled');
    expect(compiled!.errors).toHaveLength(3);
    expect(compiled).toEqual(cold);
  });

  it.each(['', 'Other'])('to the name %j, which none of its operations has', async (name) => {
    // More than one may ask for, so that it would be refused by another code if it were found.
    const query = fresh(
      'query Threads { threads(first: 100) { nodes { messages(first: 100) { nodes { body } } } } }',
    );
    const before = executed.length;
    for (let use = 0; use < 5; use++) {
      const { data, errors } = await app.as('ann').send(query, undefined, name);
      expect(data ?? null).toBeNull();
      expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
    }
    expect(executed.slice(before)).not.toContain('compiled');
  });

  it('to other variables than those it was compiled at', async () => {
    const query = `query ($n: Int, $s: Boolean!, $f: ThreadFilter) {
      threads(first: $n, filter: $f) { nodes { id status @skip(if: $s) } pageInfo { hasNextPage } }
    }`;
    const known = fresh(query);
    for (let use = 0; use < 3; use++) await app.as('ann').send(known, { s: false });
    for (const variables of [
      { s: true, n: 1 },
      { s: false, n: 2, f: { status: 'BLOCKED' } },
      { s: true, f: { unread: true } },
      { n: 500, s: false },
    ]) {
      const compiled = await app.as('ann').send(known, variables);
      expect(executed.at(-1)).toBe('compiled');
      expect(compiled).toEqual(await app.as('ann').send(fresh(query), variables));
    }
  });

  it('to another person, who is refused what the first one was given', async () => {
    const query = fresh('query ($id: ID!) { thread(id: $id) { id } }');
    const variables = { id: seeded.threadId };
    for (let use = 0; use < 4; use++) await app.as('ann').run(query, variables);
    expect(executed.at(-1)).toBe('compiled');
    expect(await app.as('eve').refusal(query, variables)).toBe('NOT_FOUND');
    const nobody = await fetch(`${app.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    expect(await nobody.text()).toContain('UNAUTHENTICATED');
  });
});
