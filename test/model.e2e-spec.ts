import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { Viewer } from '../src/auth/viewer.js';
import { Database } from '../src/database/database.js';
import { AppError } from '../src/errors.js';
import { MessagesService } from '../src/messages/messages.service.js';
import { ThreadsService } from '../src/threads/threads.service.js';
import { UsersService } from '../src/users/users.service.js';
import type { TestApp } from './support/app.js';
import { startApp } from './support/app.js';
import type { Command } from './support/model.js';
import { command, Model, PEOPLE, THREADS } from './support/model.js';

let app: TestApp;
let worlds = 0;
let applied = 0;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

const viewer = (userId: string, role?: 'service' | 'admin'): Viewer => ({
  userId,
  isService: role === 'service',
  isAdmin: role === 'admin',
  displayName: null,
  avatarUrl: null,
  issuedAt: null,
  expiresAt: Infinity,
});

/** Four people and two threads that nobody else in this file touches. */
class World {
  readonly #name = `world${++worlds}`;
  readonly #service = viewer('platform', 'service');
  readonly ids: string[] = [];

  id = (person: string): string => `${this.#name}-${person}`;
  person = (id: string): string => id.replace(`${this.#name}-`, '');

  static async open(): Promise<World> {
    const world = new World();
    for (const { tourist, guide } of THREADS) {
      const { thread } = await app.get(ThreadsService).open(world.#service, {
        touristId: world.id(tourist),
        guideId: world.id(guide),
        tripId: null,
      });
      world.ids.push(thread.id);
    }
    return world;
  }

  async run(command: Command): Promise<string> {
    applied += 1;
    try {
      return await this.#run(command);
    } catch (error) {
      if (error instanceof AppError) return error.code;
      throw error;
    }
  }

  async #run(command: Command): Promise<string> {
    const [threads, messages] = [app.get(ThreadsService), app.get(MessagesService)];
    if (command.kind === 'rename') {
      await app.get(UsersService).upsert(this.#service, [
        {
          id: this.id(command.who),
          displayName: command.name,
          avatarUrl: null,
          email: null,
          timeZone: null,
          locale: null,
        },
      ]);
      return 'OK';
    }
    const threadId = this.ids[command.thread]!;
    if (command.kind === 'remove') return threads.delete(this.#service, threadId).then(() => 'OK');
    if (command.kind === 'system') {
      const system = { body: 'system', code: 'test.said', params: [] };
      await messages.sendSystem(this.#service, threadId, system, randomUUID());
      return 'OK';
    }
    const userId = this.id(command.who);
    const caller = viewer(userId);
    switch (command.kind) {
      case 'send': {
        const { body, clientId, replyTo } = command;
        const replyToId = replyTo === null ? null : await this.#message(threadId, replyTo);
        const draft = { body, messageType: 'TEXT', location: null, replyToId } as const;
        const sent = await messages.send(caller, threadId, draft, `${this.#name}-${clientId}`);
        return sent.deduplicated ? 'OK deduplicated' : 'OK';
      }
      case 'edit':
        await messages.edit(caller, await this.#message(threadId, command.sequence), command.body);
        return 'OK';
      case 'delete':
        await messages.delete(
          command.asAdmin ? viewer('root', 'admin') : caller,
          await this.#message(threadId, command.sequence),
        );
        return 'OK';
      case 'read':
        return `OK ${await messages.markThreadRead(caller, threadId, command.upTo)}`;
      case 'receive':
        await messages.markDelivered(caller, [{ threadId, upToSequence: command.upTo }]);
        return 'OK';
      case 'status':
        await threads.setStatus(caller, threadId, command.status, null);
        return 'OK';
      case 'join':
        await threads.addParticipant(this.#service, threadId, userId, 'MEMBER');
        return 'OK';
      case 'leave':
        await threads.removeParticipant(this.#service, threadId, userId);
        return 'OK';
    }
  }

  /** The message at a place; where there is none, one that exists nowhere, the same for the same place. */
  async #message(threadId: string, sequence: number): Promise<string> {
    const { rows } = await app
      .get(Database)
      .pool.query<{ id: string }>(
        'SELECT id FROM messages WHERE thread_id = $1 AND sequence = $2',
        [threadId, sequence],
      );
    return rows[0]?.id ?? `00000000-0000-7000-8000-${String(sequence).padStart(12, '0')}`;
  }
}

/** Totals and counts per thread, as parley keeps them. */
async function storedCounts(world: World): Promise<Record<string, unknown>> {
  const { rows } = await app.get(Database).pool.query(
    `SELECT u.id, coalesce(i.unread_message_count, 0) AS messages, coalesce(i.unread_thread_count, 0) AS threads,
       coalesce((SELECT json_object_agg(p.thread_id, p.unread_count) FROM participants p WHERE p.user_id = u.id), '{}') AS counts
     FROM unnest($1::text[]) AS u (id) LEFT JOIN inboxes i ON i.user_id = u.id`,
    [PEOPLE.map(world.id)],
  );
  return Object.fromEntries(rows.map(({ id, ...counts }) => [world.person(id), counts]));
}

const countsOf = (world: World, model: Model): Record<string, unknown> =>
  Object.fromEntries(
    PEOPLE.map((person) => {
      const counts = [...model.unreadOf(person)];
      const total = counts.reduce((sum, [, count]) => sum + count, 0);
      const threads = counts.filter(([, count]) => count > 0).length;
      const byThread = counts.map(([index, count]) => [world.ids[index], count]);
      return [person, { messages: total, threads, counts: Object.fromEntries(byThread) }];
    }),
  );

/** Applies a journal entry by entry, as a client does, and compares the totals that each entry carries. */
async function replayJournal(world: World, person: string): Promise<void> {
  const { rows } = await app.get(Database).pool.query(
    `SELECT e.*, m.sequence, m.author_id, m.deleted_at, e.position::integer,
       e.position = max(e.position) FILTER (WHERE e.kind = 'MESSAGE_UPDATED') OVER (PARTITION BY e.message_id) AS is_last_update
     FROM inbox_entries e LEFT JOIN messages m ON m.id = e.message_id
     WHERE e.user_id = $1 ORDER BY e.position`,
    [world.id(person)],
  );
  // What was removed with its thread can no longer be looked up: only journals without that are replayed to the letter.
  if (rows.some((row) => row.message_id !== null && row.sequence === null)) return;
  const unread = new Map<string, Set<number>>();
  rows.forEach((row, index) => {
    const { thread_id: threadId, sequence, kind } = row;
    const ofThread = unread.get(threadId) ?? new Set<number>();
    unread.set(threadId, ofThread);
    if (kind === 'MESSAGE_ADDED' && row.author_id !== world.id(person)) ofThread.add(sequence);
    if (kind === 'MESSAGE_UPDATED' && row.deleted_at !== null && row.is_last_update)
      ofThread.delete(sequence);
    if (kind === 'MESSAGE_READ' && row.actor_id === world.id(person))
      for (const one of ofThread) if (one <= row.up_to_sequence) ofThread.delete(one);
    if (kind === 'THREAD_REMOVED') ofThread.clear();
    const sizes = [...unread.values()].map(({ size }) => size);
    expect({
      position: row.position,
      messages: row.unread_message_count,
      threads: row.unread_thread_count,
    }).toEqual({
      position: index + 1,
      messages: sizes.reduce((sum, size) => sum + size, 0),
      threads: sizes.filter((size) => size > 0).length,
    });
  });
}

it('counts as a naive recount does, after every command', async () => {
  const before = applied;
  await fc.assert(
    fc.asyncProperty(
      fc.array(command, { minLength: 60, maxLength: 120, size: 'max' }),
      async (commands) => {
        const [world, model] = [await World.open(), new Model()];
        for (const each of commands) {
          const expected = model.apply(each);
          expect([each, await world.run(each)]).toEqual([each, expected]);
          expect(await storedCounts(world)).toEqual(countsOf(world, model));
        }
        for (const person of PEOPLE) await replayJournal(world, person);
        await compareWithApi(world, model);
      },
    ),
    { numRuns: 50 },
  );
  expect(applied - before).toBeGreaterThanOrEqual(3_000);
}, 180_000);

/** Through GraphQL, what each person sees. */
async function compareWithApi(world: World, model: Model): Promise<void> {
  for (const person of PEOPLE) {
    const data = await app.as(world.id(person)).run(
      `{ viewer { unreadMessageCount unreadThreadCount }
         threads(first: 2) { nodes { id unreadCount messages(first: 100) { nodes {
           sequence body messageType status readAt readBy { user { id } } } } } } }`,
    );
    const counts = model.unreadOf(person);
    expect(data.viewer).toEqual({
      unreadMessageCount: [...counts.values()].reduce((sum, count) => sum + count, 0),
      unreadThreadCount: [...counts.values()].filter((count) => count > 0).length,
    });
    expect(data.threads.nodes).toHaveLength(counts.size);
    for (const [index, unreadCount] of counts) {
      const thread = data.threads.nodes.find(({ id }: { id: string }) => id === world.ids[index]);
      expect(thread.unreadCount).toBe(unreadCount);
      const standing = thread.messages.nodes.map((message: any) => ({
        sequence: message.sequence,
        body: message.messageType === 'SYSTEM' ? '' : message.body,
        status: message.status,
        readBy: message.readBy.map(({ user }: any) => world.person(user.id)).sort(),
      }));
      expect(standing).toEqual(model.standingOf(index).slice(0, 100));
      for (const { readAt, status } of thread.messages.nodes)
        expect(readAt !== null).toBe(status === 'READ');
    }
  }
}

it('counts exactly when everything happens at once', async () => {
  const before = applied;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(command, { minLength: 8, maxLength: 16, size: 'max' }), {
        minLength: 6,
        maxLength: 14,
        size: 'max',
      }),
      async (rounds) => {
        const world = await World.open();
        for (const round of rounds) {
          await Promise.all(round.map((each) => world.run(each)));
          await recount(world);
        }
        for (const person of PEOPLE) await replayJournal(world, person);
      },
    ),
    { numRuns: 25 },
  );
  expect(applied - before).toBeGreaterThanOrEqual(2_000);
}, 180_000);

/** Reads every message and every marker, and counts. */
async function recount(world: World): Promise<void> {
  const { pool } = app.get(Database);
  const ids = [world.ids];
  const messages = await pool.query(
    'SELECT thread_id, sequence, author_id, deleted_at FROM messages WHERE thread_id = ANY ($1) ORDER BY sequence',
    ids,
  );
  const participants = await pool.query(
    'SELECT thread_id, user_id, last_read_sequence FROM participants WHERE thread_id = ANY ($1)',
    ids,
  );
  const naive = Object.fromEntries(
    PEOPLE.map((person) => {
      const counts = participants.rows
        .filter(({ user_id }) => user_id === world.id(person))
        .map(({ thread_id, last_read_sequence }): [string, number] => [
          thread_id,
          messages.rows.filter(
            (message) =>
              message.thread_id === thread_id &&
              message.sequence > last_read_sequence &&
              message.author_id !== world.id(person) &&
              message.deleted_at === null,
          ).length,
        ]);
      return [
        person,
        {
          messages: counts.reduce((sum, [, count]) => sum + count, 0),
          threads: counts.filter(([, count]) => count > 0).length,
          counts: Object.fromEntries(counts),
        },
      ];
    }),
  );
  expect(await storedCounts(world)).toEqual(naive);
}
