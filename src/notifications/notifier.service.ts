import { Injectable } from '@nestjs/common';
import { Config } from '../config.js';
import { InboxService } from '../inbox/inbox.service.js';
import { NotifierRepository } from './notifier.repository.js';

/** Batches of one person that somebody who asks for their feed waits for. */
const PATIENCE = 20;

/** Takes journals in: one transaction per person and batch, exactly once, whichever node does it and however often. */
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

  /** @returns the position up to which the person's journal holds nothing but what this wrote, where it wrote */
  async catchUp(userId: string, batches = PATIENCE): Promise<number> {
    let written = 0;
    for (let batch = 0; batch < batches; batch++) {
      const { isBehind, hints } = await this.notifier.notify(
        userId,
        new Date(),
        this.#mailDelayMinutes,
      );
      this.inbox.announce(hints);
      if (!isBehind) return Math.max(written, hints[userId] ?? 0);
      written = 0;
    }
    return written;
  }
}
