import { Injectable } from '@nestjs/common';
import { Config } from '../config.js';
import { InboxService } from '../inbox/inbox.service.js';
import type { Notified } from './notifier.repository.js';
import { NotifierRepository } from './notifier.repository.js';

/** Transactions that somebody with a long journal is given in a row. */
const PATIENCE = 20;

/** Takes journals in: one transaction per batch, exactly once, whichever node does it and however often. */
@Injectable()
export class NotifierService {
  readonly #mailDelayMinutes: number | null;

  constructor(
    private readonly notifier: NotifierRepository,
    private readonly inbox: InboxService,
    config: Config,
  ) {
    this.#mailDelayMinutes =
      config.SMTP_URL === undefined ? null : config.NOTIFICATION_MAIL_DELAY_MINUTES;
  }

  /** Whoever asks is up to date afterwards, also where somebody else is taking their journal in. */
  async catchUp(userId: string): Promise<void> {
    for (let batch = 0; batch < PATIENCE; batch++) {
      const { behind } = await this.#notify([userId], true);
      if (behind.length === 0) return;
    }
  }

  /**
   * Takes the journals of several people in. Where it throws, of those that were still behind nothing is written.
   * @returns up to where there is nothing left; nothing for those whom somebody else is doing
   */
  async takeIn(userIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const done = new Map<string, number>();
    let behind = userIds;
    for (let batch = 0; batch < PATIENCE && behind.length > 0; batch++) {
      const notified = await this.#notify(behind, false);
      for (const [userId, position] of notified.reached) done.set(userId, position);
      behind = notified.behind;
    }
    return done;
  }

  async #notify(userIds: readonly string[], waits: boolean): Promise<Notified> {
    const notified = await this.notifier.notify(userIds, new Date(), this.#mailDelayMinutes, waits);
    this.inbox.announce(notified.hints);
    return notified;
  }
}
