import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { EventBus } from '../events/event-bus.js';
import type { Viewer } from './viewer.js';

const REMEMBERED_PEOPLE = 50_000;

/** Creates and refreshes people from their tokens' claims, at first sight and when a claim has changed. */
@Injectable()
export class PeopleRepository {
  readonly #seen = new Map<string, string>();

  constructor(
    private readonly database: Database,
    private readonly bus: EventBus,
  ) {}

  /** Services are no people: they get no journal. */
  async meet(viewer: Viewer): Promise<void> {
    if (viewer.isService) return;
    const claims = JSON.stringify([viewer.displayName, viewer.avatarUrl]);
    if (this.#seen.get(viewer.userId) === claims) return;
    const { hints } = await this.database.row<{ hints: Record<string, number> }>(
      'meet_person',
      'SELECT meet_person($1, $2, $3) AS hints',
      [viewer.userId, viewer.displayName, viewer.avatarUrl],
    );
    for (const [userId, position] of Object.entries(hints))
      this.bus.publish({ type: 'inboxGrew', userId, position });
    if (this.#seen.size >= REMEMBERED_PEOPLE) this.#seen.clear();
    this.#seen.set(viewer.userId, claims);
  }
}
