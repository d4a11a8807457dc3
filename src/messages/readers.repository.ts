import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { arrayOf } from '../database/statement.js';
import type { MessageRow, ReaderRow } from './message-rows.js';
import type { Standing } from './readers.js';
import { selectStandings, toRanges, toReaders, toStretches } from './readers.js';

const STANDINGS = selectStandings(
  `unnest(${arrayOf('$1', 'uuid')}, ${arrayOf('$2', 'integer')}, ${arrayOf('$3', 'integer')})
     WITH ORDINALITY AS s (thread_id, low, high, stretch)`,
);

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
    const readers = toReaders(stretches, standings);
    return new Map(
      stretches.flatMap((stretch, place) =>
        stretch.map((message, index) => [message, readers[place]?.[index] ?? []] as const),
      ),
    );
  }
}
