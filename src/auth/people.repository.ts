import { Injectable, Logger } from '@nestjs/common';
import { hasTakenTooLong } from '../database/database-errors.js';
import { Database } from '../database/database.js';
import { EventBus } from '../events/event-bus.js';
import type { Viewer } from './viewer.js';

const REMEMBERED_PEOPLE = 50_000;
const AGAIN_MS = 60_000;

interface Seen extends Pick<Viewer, 'displayName' | 'avatarUrl' | 'issuedAt'> {
  /** When it is asked about again, on the clock of performance.now(). */
  readonly until: number;
}

/**
 * Creates and refreshes people from their tokens' claims, at first sight and when a later token says something else than the
 * database does. What an older token says is no news, and the database knows what is older, whichever node has seen what.
 */
@Injectable()
export class PeopleRepository {
  /** As the last token said that was asked about: the same again needs no question. */
  readonly #seen = new Map<string, Seen>();
  readonly #logger = new Logger('People');

  constructor(
    private readonly database: Database,
    private readonly bus: EventBus,
  ) {}

  /** Services are no people: they get no journal. */
  async meet(viewer: Viewer): Promise<void> {
    if (viewer.isService) return;
    const { userId, displayName, avatarUrl, issuedAt } = viewer;
    const seen = this.#seen.get(userId);
    if (
      seen?.displayName === displayName &&
      seen.avatarUrl === avatarUrl &&
      seen.issuedAt === issuedAt &&
      seen.until > performance.now()
    )
      return;
    const isTold = await this.#tell(viewer);
    if (this.#seen.size >= REMEMBERED_PEOPLE) this.#seen.clear();
    const until = isTold ? Infinity : performance.now() + AGAIN_MS;
    this.#seen.set(userId, { displayName, avatarUrl, issuedAt, until });
  }

  /**
   * A new name is told in all of a person's threads, and one of them may be locked, or they may be too many for a statement. Whoever
   * is known is not kept out by that, and goes on under the old one. A database that is not there is not asked a second time.
   * @returns false where it is still to be told
   */
  async #tell({ userId, displayName, avatarUrl, issuedAt }: Viewer): Promise<boolean> {
    try {
      const { hints } = await this.database.row<{ hints: Record<string, number> }>(
        'meet_person',
        'SELECT meet_person($1, $2, $3, $4) AS hints',
        [userId, displayName, avatarUrl, issuedAt === null ? null : new Date(issuedAt)],
      );
      for (const [reader, position] of Object.entries(hints))
        this.bus.publish({ type: 'inboxGrew', userId: reader, position });
      return true;
    } catch (error) {
      if (!(hasTakenTooLong(error) && (await this.#isKnown(userId)))) throw error;
      this.#logger.warn('What a token says of a person is told later: that takes too long now.');
      return false;
    }
  }

  async #isKnown(userId: string): Promise<boolean> {
    const { isKnown } = await this.database.row<{ isKnown: boolean }>(
      'is_known',
      'SELECT EXISTS (SELECT FROM users WHERE id = $1) AS "isKnown"',
      [userId],
    );
    return isKnown;
  }
}
