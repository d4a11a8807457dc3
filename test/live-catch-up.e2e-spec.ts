import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Executor } from '../src/graphql/executor.js';
import type { TestApp } from './support/app.js';
import { startApp } from './support/app.js';
import { openThread, sendMany } from './support/seeds.js';

let app: TestApp;
let threadId: string;
beforeAll(async () => {
  app = await startApp();
  ({ id: threadId } = await openThread(app));
});
afterAll(() => app.stop());

/** How many operations and events are executed while `work` runs. */
async function executionsOf(work: () => Promise<unknown>): Promise<number> {
  const executor = app.get(Executor);
  const { execute } = executor;
  let count = 0;
  executor.execute = (execution) => {
    count += 1;
    return execute.call(executor, execution);
  };
  try {
    await work();
    return count;
  } finally {
    executor.execute = execute;
  }
}

it.each([
  [
    'of which a socket takes one at a time',
    'message { sequence } thread { messages(last: 50) { nodes { body } } }',
  ],
  ['of which a socket takes all at once', 'message { sequence }'],
])(
  'events %s are executed about once each for whoever catches up',
  async (_size, selection) => {
    const { viewer } = await app.as('ben').run('{ viewer { cursor } }');
    const sent = await sendMany(app.as('ann'), threadId, 60, () => '\u{1F600}'.repeat(4_000));
    const socket = await app.socket('ben');
    const executions = await executionsOf(async () => {
      const stream = socket.start(
        `subscription ($after: String) { messageAdded(after: $after) { cursor ${selection} } }`,
        { after: viewer.cursor },
      );
      const events = await stream.take(60);
      expect(events.map(({ messageAdded }) => messageAdded.message.sequence)).toEqual(
        sent.map(({ sequence }) => sequence),
      );
    });
    expect(executions).toBeLessThan(3 * 60);
    await socket.close();
  },
  60_000,
);
