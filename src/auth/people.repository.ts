import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { EventBus } from '../events/event-bus.js';
import type { Viewer } from './viewer.js';

const REMEMBERED_PEOPLE = 50_000;

/** Creates and refreshes people from their tokens' claims, at first sight and when a claim has changed. */
@Injectable()
export class PeopleRepository {
  /** As their tokens last said. */
  readonly #seen = new Map<string, Pick<Viewer, 'displayName' | 'avatarUrl'>>();

  constructor(
    private readonly database: Database,
    private readonly bus: EventBus,
  ) {}

  /** Services are no people: they get no journal. */
  async meet(viewer: Viewer): Promise<void> {
    if (viewer.isService) return;
    const { userId, displayName, avatarUrl } = viewer;
    const seen = this.#seen.get(userId);
    if (seen?.displayName === displayName && seen.avatarUrl === avatarUrl) return;
    const { hints } = await this.database.row<{ hints: Record<string, number> }>(
      'meet_person',
      'SELECT meet_person($1, $2, $3) AS hints',
      [userId, displayName, avatarUrl],
    );
    for (const [reader, position] of Object.entries(hints))
      this.bus.publish({ type: 'inboxGrew', userId: reader, position });
    if (this.#seen.size >= REMEMBERED_PEOPLE) this.#seen.clear();
    this.#seen.set(userId, { displayName, avatarUrl });
  }
}
