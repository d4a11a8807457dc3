import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TestApp } from './support/app.js';
import { startApp } from './support/app.js';
import { ANN, NOWHERE } from './support/compiled-cases.js';
import type { By, Door } from './support/executions.js';
import { fresh, openDoors, untilCompiling, watchExecutions } from './support/executions.js';
import { openThread } from './support/seeds.js';

let app: TestApp;
let executed: By[];
let doors: readonly Door[];

beforeAll(async () => {
  app = await startApp();
  doors = await openDoors(app, ANN);
  executed = watchExecutions(app);
  await untilCompiling(app, executed);
});
afterAll(() => app.stop());

describe('a mutation that is used again', () => {
  const SEND =
    'mutation ($i: SendMessageInput!) { sendMessage(input: $i) { deduplicated message { id sequence body sentAt sender { id displayName } status } } }';
  const open = async (): Promise<string> => (await openThread(app, { trip: randomUUID() })).id;

  it('gives the first answer again for a clientMessageId that has been used', async () => {
    for (const ask of doors) {
      const query = fresh(SEND);
      const i = { threadId: await open(), body: 'Hello', clientMessageId: randomUUID() };
      const answers = [];
      for (let use = 0; use < 4; use++) answers.push(await ask(query, { i }));
      expect(executed.slice(-4)).toEqual(['graphql-js', 'graphql-js', 'compiled', 'compiled']);
      const [first, second, third, fourth] = answers;
      expect(second).toBe(first!.replace('"deduplicated":false', '"deduplicated":true'));
      expect([third, fourth]).toEqual([second, second]);
      const other = fresh(SEND);
      for (let use = 0; use < 3; use++) await ask(other, { i });
      const conflict = await ask(other, { i: { ...i, body: 'Bye' } });
      expect(executed.at(-1)).toBe('compiled');
      expect(conflict).toBe(await ask(fresh(SEND), { i: { ...i, body: 'Bye' } }));
      expect(conflict).toContain('CONFLICT');
    }
  });

  it('runs after the one above it in the document, and sees what that one has written', async () => {
    const query = fresh(`mutation ($a: SendMessageInput!, $b: SendMessageInput!, $t: ID!) {
      a: sendMessage(input: $a) { message { sequence body thread { lastSequence } } }
      b: sendMessage(input: $b) { message { sequence thread { lastSequence lastMessage { body } } } }
      archived: updateThreadStatus(input: { threadId: $t, status: ARCHIVED }) { thread { status lastSequence } }
      c: updateThreadStatus(input: { threadId: $t, status: ACTIVE }) { thread { status lastSequence } }
    }`);
    for (const ask of [doors[0]!, doors[2]!]) {
      const own = fresh(query);
      const answers = [];
      for (let use = 0; use < 4; use++) {
        const t = await open();
        const to = (body: string): object => ({ threadId: t, body, clientMessageId: randomUUID() });
        answers.push(await ask(own, { a: to('1'), b: to('2'), t }));
      }
      expect(answers[0]).toContain(
        '{"a":{"message":{"sequence":1,"body":"1","thread":{"lastSequence":1}}},"b":{"message":{"sequence":2,"thread":{"lastSequence":2,"lastMessage":{"body":"2"}}}},"archived":{"thread":{"status":"ARCHIVED","lastSequence":3}},"c":{"thread":{"status":"ACTIVE","lastSequence":4}}}',
      );
      // The compiled function would not stop at a refusal, so what has several steps is never compiled.
      expect(executed.at(-1)).toBe('graphql-js');
      expect(answers).toEqual(Array(4).fill(answers[0]));
    }
  });

  it('is not run after one that was refused', async () => {
    const query = fresh(`mutation ($a: SendMessageInput!, $b: SendMessageInput!) {
      a: sendMessage(input: $a) { deduplicated }
      b: sendMessage(input: $b) { deduplicated }
    }`);
    for (let use = 0; use < 4; use++) {
      const t = await open();
      const to = (threadId: string): object => ({
        threadId,
        body: 'Hello',
        clientMessageId: randomUUID(),
      });
      const { data, errors } = await app.as('ann').send(query, { a: to(NOWHERE), b: to(t) });
      expect(data).toBeNull();
      expect(errors).toMatchObject([{ path: ['a'], extensions: { code: 'NOT_FOUND' } }]);
      const { thread } = await app
        .as('ann')
        .run('query ($id: ID!) { thread(id: $id) { lastSequence } }', { id: t });
      expect({ use, ...thread }).toEqual({ use, lastSequence: 0 });
    }
  });
});
