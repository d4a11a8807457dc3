import { Injectable } from '@nestjs/common';
import type { Viewer } from '../auth/viewer.js';
import { Database } from '../database/database.js';
import type { Instant } from '../instants.js';

/** Somebody who shares a thread with a person who came or went. */
export interface PeerRow {
  readonly userId: string;
  readonly peerId: string;
  /** When the person, not the peer, was last seen. */
  readonly lastSeenAt: Instant | null;
}

@Injectable()
export class PresenceRepository {
  constructor(private readonly database: Database) {}

  /** Those of these people whose presence the viewer may know, with when they were last seen. */
  async findVisible(
    viewer: Viewer,
    userIds: readonly string[],
  ): Promise<ReadonlyMap<string, Instant | null>> {
    const rows = await this.database.readRows<{ id: string; lastSeenAt: Instant | null }>(
      'presence_visible',
      `SELECT u.id, u.last_seen_at AS "lastSeenAt" FROM users u
       WHERE u.id = ANY ($2::text[]) AND (u.id = $1 OR EXISTS (
         SELECT FROM participants them JOIN participants me ON me.thread_id = them.thread_id AND me.user_id = $1
         WHERE them.user_id = u.id
       ))`,
      [viewer.userId, userIds],
    );
    return new Map(rows.map(({ id, lastSeenAt }) => [id, lastSeenAt]));
  }

  /** Everybody who shares a thread with one of these people. */
  findPeers(userIds: readonly string[]): Promise<PeerRow[]> {
    return this.database.rows<PeerRow>(
      'presence_peers',
      `SELECT DISTINCT u.id AS "userId", peer.user_id AS "peerId", u.last_seen_at AS "lastSeenAt"
       FROM users u JOIN participants own ON own.user_id = u.id
       JOIN participants peer ON peer.thread_id = own.thread_id AND peer.user_id <> u.id
       WHERE u.id = ANY ($1::text[])`,
      [userIds],
    );
  }

  async findMembers(threadId: string): Promise<ReadonlySet<string>> {
    const rows = await this.database.rows<{ userId: string }>(
      'thread_members',
      'SELECT user_id AS "userId" FROM participants WHERE thread_id = $1',
      [threadId],
    );
    return new Set(rows.map(({ userId }) => userId));
  }

  /**
   * Writes down that people were seen; never takes back a later sight.
   * @param ages how long ago, in ms, by user id
   */
  async saw(ages: ReadonlyMap<string, number>): Promise<void> {
    const userIds = [...ages.keys()];
    await this.database.rows(
      'presence_saw',
      // The rows are locked in the order in which everybody locks them, whatever the plan of the update is.
      `WITH held AS MATERIALIZED (SELECT id FROM users WHERE id = ANY ($1::text[]) ORDER BY id FOR NO KEY UPDATE)
       UPDATE users u SET last_seen_at = greatest(u.last_seen_at, current_instant() - s.age * interval '1 ms')
       FROM held JOIN unnest($1::text[], $2::float8[]) AS s (id, age) ON s.id = held.id WHERE u.id = held.id`,
      [userIds, userIds.map((userId) => Math.max(0, ages.get(userId) ?? 0))],
    );
  }
}
