import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Client, escapeIdentifier } from 'pg';
import type { TestApp, TokenClaims } from './support/app.js';
import { startApp, until } from './support/app.js';
import type { TestDatabase } from './support/database.js';
import { createDatabase } from './support/database.js';
import { lockWaiters } from './support/lock-waiters.js';
import { openThread, PLATFORM, send } from './support/seeds.js';

const UPSERT =
  'mutation ($input: UpsertUsersInput!) { upsertUsers(input: $input) { users { id } } }';
const KINDS = 'subscription { inboxEvents { __typename } }';

describe('a profile on two nodes', () => {
  const now = Math.floor(Date.now() / 1_000);
  let database: TestDatabase;
  let one: TestApp;
  let two: TestApp;
  let person: string;
  beforeAll(async () => {
    database = await createDatabase();
    one = await startApp({}, database);
    two = await startApp({}, database);
  });
  afterAll(async () => {
    await one.stop();
    await two.stop();
    await database.drop();
  });
  beforeEach(() => {
    person = randomUUID();
  });

  /** Shows a token to a node, and gives what the person is called then. */
  async function show(node: TestApp, claims: TokenClaims): Promise<unknown> {
    const { viewer } = await node
      .as(person, claims)
      .run('{ viewer { user { displayName avatarUrl } } }');
    return viewer.user;
  }

  const upsert = (profile: object): Promise<unknown> =>
    one.as('platform', PLATFORM).run(UPSERT, { input: { users: [{ id: person, ...profile }] } });

  it('that upsertUsers has changed is not undone by an old token, and nobody is told of one', async () => {
    const token = { name: 'Ann', picture: 'https://pictures.example/ann.png', iat: now - 60 };
    await show(one, token);
    const { id } = await openThread(one, { tourist: person, guide: `guide of ${person}` });
    await upsert({ displayName: 'Anna', avatarUrl: 'https://pictures.example/anna.png' });
    const inbox = (await two.socket(`guide of ${person}`)).start(KINDS);
    await inbox.next();
    expect(await show(two, token)).toEqual({
      displayName: 'Anna',
      avatarUrl: 'https://pictures.example/anna.png',
    });
    await send(two.as(person, token), id);
    expect(await inbox.next()).toEqual({ inboxEvents: { __typename: 'MessageAdded' } });
  });

  it('follows a token from after upsertUsers, also on a node that has seen its claims before', async () => {
    await show(one, { name: 'Ann', iat: now - 60 });
    await upsert({ displayName: 'Anna' });
    // Its issuer's clock is ahead: it counts as made when it is seen.
    expect(await show(one, { name: 'Ann', iat: now + 3_600 })).toMatchObject({
      displayName: 'Ann',
    });
  });

  it('that a later token has changed is not undone by an earlier one', async () => {
    await show(one, { name: 'Ann', iat: now - 60 });
    await show(one, { name: 'Anna', iat: now - 30 });
    expect(await show(two, { name: 'Ann', iat: now - 60 })).toMatchObject({ displayName: 'Anna' });
    expect(await show(two, { name: 'Annie', iat: now - 10 })).toMatchObject({
      displayName: 'Annie',
    });
  });

  it('takes from an old token what it knows nothing else of', async () => {
    await upsert({ displayName: 'Anna' });
    const picture = 'https://pictures.example/ann.png';
    expect(await show(two, { name: 'Ann', picture, iat: now - 60 })).toEqual({
      displayName: 'Anna',
      avatarUrl: picture,
    });
  });

  it('follows tokens that do not say when they were made, until something is dated', async () => {
    await show(one, { name: 'Ann' });
    expect(await show(two, { name: 'Annie' })).toMatchObject({ displayName: 'Annie' });
    await upsert({ displayName: 'Anna' });
    expect(await show(two, { name: 'Ann' })).toMatchObject({ displayName: 'Anna' });
  });
});

describe('a profile that changes while somebody writes', () => {
  let database: TestDatabase;
  let app: TestApp;
  let holder: Client;
  beforeAll(async () => {
    database = await createDatabase();
    holder = new Client({ connectionString: database.url });
    await holder.connect();
    // Nobody resolves a deadlock: whoever is in one is refused once it has waited for a lock for long enough.
    const name = escapeIdentifier(new URL(database.url).pathname.slice(1));
    await holder.query(`ALTER DATABASE ${name} SET deadlock_timeout = '1h'`);
    // The notifier would wait for the journal as well.
    app = await startApp({ NOTIFIER: 'false' }, database);
  });
  afterAll(async () => {
    await holder.end();
    await app.stop();
    await database.drop();
  });

  const areWaiting = (count: number, who: string): Promise<void> =>
    until(async () => (await lockWaiters(holder)).length === count, `${who} wait`);

  /** Holds the journal of a person until whoever writes to it, and then whoever changes a profile, waits. */
  async function whileHeld(userId: string, write: () => Promise<unknown>): Promise<void> {
    await holder.query('BEGIN');
    await holder.query('SELECT FROM inboxes WHERE user_id = $1 FOR UPDATE', [userId]);
    const writing = write();
    await areWaiting(1, 'the writer');
    const changing = app
      .as('platform', PLATFORM)
      .run(UPSERT, { input: { users: [{ id: userId, displayName: randomUUID() }] } });
    await areWaiting(2, 'both');
    await holder.query('COMMIT');
    await Promise.all([writing, changing]);
  }

  it('and cannot be told in time does not keep its person out, who goes on under the old name', async () => {
    const person = randomUUID();
    const now = Math.floor(Date.now() / 1_000);
    const nameWith = async (claims: TokenClaims): Promise<string> =>
      (await app.as(person, claims).run('{ viewer { user { displayName } } }')).viewer.user
        .displayName;
    expect(await nameWith({ name: 'Ann', iat: now - 60 })).toBe('Ann');
    const { id } = await openThread(app, { tourist: person });
    await holder.query('BEGIN');
    await holder.query('SELECT FROM threads WHERE id = $1 FOR UPDATE', [id]);
    expect(await nameWith({ name: 'Anna', iat: now - 30 })).toBe('Ann');
    await holder.query('COMMIT');
    expect(await nameWith({ name: 'Anna', iat: now - 20 })).toBe('Anna');
  }, 30_000);

  it('waits for a status that is being set, which does not wait for it', async () => {
    const { id: threadId } = await openThread(app);
    await whileHeld('ann', () =>
      app.as('ben').run(
        `mutation ($input: UpdateThreadStatusInput!) {
           updateThreadStatus(input: $input) { thread { status } }
         }`,
        { input: { threadId, status: 'ARCHIVED' } },
      ),
    );
  });

  it('waits for deliveries in several threads, which do not wait for it', async () => {
    const threads: object[] = [];
    for (const trip of ['rome', 'oslo']) {
      const { id: threadId } = await openThread(app, { tourist: 'cleo', guide: 'dan', trip });
      await send(app.as('dan'), threadId);
      threads.push({ threadId, upToSequence: 1 });
    }
    await whileHeld('cleo', () =>
      app
        .as('cleo')
        .run(
          'mutation ($input: MarkDeliveredInput!) { markDelivered(input: $input) { __typename } }',
          { input: { threads } },
        ),
    );
  });
});
