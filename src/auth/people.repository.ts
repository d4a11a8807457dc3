import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { EventBus } from '../events/event-bus.js';
import type { Viewer } from './viewer.js';

const REMEMBERED_PEOPLE = 50_000;

type Claims = Pick<Viewer, 'displayName' | 'avatarUrl' | 'issuedAt'>;

/**
 * Creates and refreshes people from their tokens' claims, at first sight and when a later token says something else than the
 * database does. What an older token says is no news, and the database knows what is older, whichever node has seen what.
 */
@Injectable()
export class PeopleRepository {
  /** As the last token said that was asked about: the same again needs no question. */
  readonly #seen = new Map<string, Claims>();

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
      seen.issuedAt === issuedAt
    )
      return;
    const { hints } = await this.database.row<{ hints: Record<string, number> }>(
      'meet_person',
      'SELECT meet_person($1, $2, $3, $4) AS hints',
      [userId, displayName, avatarUrl, issuedAt === null ? null : new Date(issuedAt)],
    );
    for (const [reader, position] of Object.entries(hints))
      this.bus.publish({ type: 'inboxGrew', userId: reader, position });
    if (this.#seen.size >= REMEMBERED_PEOPLE) this.#seen.clear();
    this.#seen.set(userId, { displayName, avatarUrl, issuedAt });
  }
}
