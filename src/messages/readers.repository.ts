import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { arrayOf } from '../database/statement.js';
import type { MessageRow, ReaderRow } from './message-rows.js';
import type { Standing } from './readers.js';
import { toRanges, toReaders, toStretches } from './readers.js';

/**
 * How far everybody in a thread has come, for stretches of it: a row per stretch and person. Each receipt is at another
 * message, so as many as a stretch is long, from its first message on, say of all of it when it was read: one range of the
 * index instead of a look for each message.
 */
const STANDINGS = `
  SELECT coalesce(json_agg(json_build_array(
    s.stretch, p.user_id, p.joined_sequence, p.last_delivered_sequence, receipts.up_to, receipts.read_at
  )), '[]') AS standings
  FROM unnest(${arrayOf('$1', 'uuid')}, ${arrayOf('$2', 'integer')}, ${arrayOf('$3', 'integer')})
    WITH ORDINALITY AS s (thread_id, low, high, stretch)
  JOIN participants p ON p.thread_id = s.thread_id
  CROSS JOIN LATERAL (
    SELECT array_agg(r.up_to_sequence) AS up_to, array_agg(r.read_at) AS read_at
    FROM (
      SELECT f.up_to_sequence, f.read_at FROM read_receipts f
      WHERE f.thread_id = s.thread_id AND f.user_id = p.user_id AND f.up_to_sequence >= s.low
      ORDER BY f.up_to_sequence LIMIT s.high - s.low + 1
    ) AS r
  ) AS receipts`;

@Injectable()
export class ReadersRepository {
  constructor(private readonly database: Database) {}

  /** How everybody else who was in the thread when a message came stands to it, in the order of reading. */
  async find(messages: readonly MessageRow[]): Promise<ReadonlyMap<MessageRow, ReaderRow[]>> {
    const stretches = toStretches(messages);
    const { standings } = await this.database.readRow<{ standings: Standing[] }>(
      'message_readers',
      STANDINGS,
      toRanges(stretches),
    );
    return toReaders(stretches, standings);
  }
}
