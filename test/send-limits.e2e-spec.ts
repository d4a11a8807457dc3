import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TestApp } from './support/app.js';
import { startApp } from './support/app.js';
import type { Answer, HttpClient } from './support/http-client.js';
import { openThread, PLATFORM, send } from './support/seeds.js';

const BURST = 5;
const AT_ONCE = 25;
const EDIT = 'mutation ($input: EditMessageInput!) { editMessage(input: $input) { __typename } }';
const OPEN = 'mutation ($input: OpenThreadInput!) { openThread(input: $input) { created } }';
const SET_STATUS = `mutation ($input: UpdateThreadStatusInput!) {
  updateThreadStatus(input: $input) { __typename } }`;

/** Per node, without a Redis; with one see redis-rate-limits. */
describe('what others are told of like a message', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp({ SEND_RATE_PER_SECOND: '1', SEND_BURST: String(BURST) });
  });
  afterAll(() => app.stop());

  /** Does it so often at once, and gives the codes of the refusals. */
  async function refusalsOf(act: (time: number) => Promise<Answer>): Promise<string[]> {
    const answers = await Promise.all(Array.from({ length: AT_ONCE }, (_, time) => act(time)));
    return answers.flatMap(({ errors = [] }) => errors.map(({ extensions }) => extensions.code));
  }

  const setStatus = (client: HttpClient, threadId: string, time: number): Promise<Answer> =>
    client.send(SET_STATUS, {
      input: { threadId, status: time % 2 === 0 ? 'ARCHIVED' : 'ACTIVE', reason: 'x'.repeat(500) },
    });

  it('counts as one, be it an edit, a change of status or a thread that is opened', async () => {
    const tourist = randomUUID();
    const { id: threadId } = await openThread(app, { tourist });
    const message = await send(app.as(tourist), threadId);
    const edits = await refusalsOf((time) =>
      app.as(tourist).send(EDIT, { input: { messageId: message.id, body: `version ${time}` } }),
    );
    const changes = await refusalsOf((time) => setStatus(app.as('ben'), threadId, time));
    const touristId = randomUUID();
    const openings = await refusalsOf(() =>
      app.as(touristId).send(OPEN, { input: { touristId, guideId: randomUUID() } }),
    );
    for (const refusals of [edits, changes, openings]) {
      expect(new Set(refusals)).toEqual(new Set(['RATE_LIMITED']));
      expect(refusals.length).toBeLessThanOrEqual(AT_ONCE - BURST + 1);
    }
  });

  it('is not limited for a service', async () => {
    const { id: threadId } = await openThread(app, { trip: randomUUID() });
    const platform = app.as('platform', PLATFORM);
    expect(await refusalsOf((time) => setStatus(platform, threadId, time))).toEqual([]);
  });
});
