import { randomUUID } from 'node:crypto';
import { Executor } from '../../src/graphql/executor.js';
import { KnownOperations } from '../../src/graphql/known-operations.js';
import type { TestApp } from './app.js';
import type { Caller } from './compiled-cases.js';
import { until } from './app.js';

/** By what each operation was executed, in the order in which the executor was asked. */
export type By = 'compiled' | 'graphql-js';

/** Tells by what the operations of an app are executed, from now on; it changes nothing about it. */
export function watchExecutions(app: TestApp): By[] {
  const executor = app.get(Executor);
  const known = app.get(KnownOperations);
  const seen: By[] = [];
  const { executeCompiled } = executor;
  const { start } = known;
  let isBeforeApollo = false;
  known.start = (...request) => {
    isBeforeApollo = true;
    const answer = start.apply(known, request);
    isBeforeApollo = false;
    return answer;
  };
  executor.executeCompiled = (execution) => {
    const result = executeCompiled.call(executor, execution);
    // What is not executed before Apollo is asked for again by it.
    if (result !== undefined) seen.push('compiled');
    else if (!isBeforeApollo) seen.push('graphql-js');
    return result;
  };
  return seen;
}

/** The compiler is loaded beside the start: waits until what is asked again is compiled. */
export async function untilCompiling(app: TestApp, seen: By[]): Promise<void> {
  await until(async () => {
    await app.as('ann').run('{ viewer { __typename } }');
    return seen.at(-1) === 'compiled';
  }, 'an operation that is used again is compiled');
}

/** The same operation to a reader, another one to whoever remembers operations; no place in it moves. */
export const fresh = (query: string): string => `${query} # ${randomUUID()}`;

/** Asks something through one door, and gives all that came back. */
export type Door = (query: string, variables: unknown) => Promise<string>;

/** Both media types over HTTP, then a socket that stays open: it shows in isOnline. */
export async function openDoors(app: TestApp, { sub, claims }: Caller): Promise<Door[]> {
  const overHttp =
    (accept: string): Door =>
    async (query, variables) => {
      const response = await fetch(`${app.url}/graphql`, {
        method: 'POST',
        headers: {
          accept,
          'content-type': 'application/json',
          authorization: `Bearer ${await app.token(sub, claims)}`,
        },
        body: JSON.stringify({ query, variables }),
      });
      const headers = [...response.headers].filter(
        ([name]) => name !== 'date' && name !== 'content-length',
      );
      return `${response.status} ${JSON.stringify(headers)} ${await response.text()}`;
    };
  const socket = await app.socket(sub, claims);
  return [
    overHttp('application/json'),
    overHttp('application/graphql-response+json'),
    async (query, variables) => {
      const { type, payload } = await socket.start(query, variables).frame();
      return `${type} ${JSON.stringify(payload)}`;
    },
  ];
}
