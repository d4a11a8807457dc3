import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import type { Viewer } from './viewer.js';

const REMEMBERED_PEOPLE = 50_000;

/** Creates and refreshes people from their tokens' claims, at first sight and when a claim has changed. */
@Injectable()
export class PeopleRepository {
  readonly #seen = new Map<string, string>();

  constructor(private readonly database: Database) {}

  /** Services are no people: they get no journal. */
  async meet(viewer: Viewer): Promise<void> {
    if (viewer.isService) return;
    const claims = JSON.stringify([viewer.displayName, viewer.avatarUrl]);
    if (this.#seen.get(viewer.userId) === claims) return;
    await this.database.rows('meet_person', 'SELECT meet_person($1, $2, $3)', [
      viewer.userId,
      viewer.displayName,
      viewer.avatarUrl,
    ]);
    if (this.#seen.size >= REMEMBERED_PEOPLE) this.#seen.clear();
    this.#seen.set(viewer.userId, claims);
  }
}
