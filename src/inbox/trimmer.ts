import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { Injectable, Logger } from '@nestjs/common';
import { Config } from '../config.js';
import { JournalRepository } from './journal.repository.js';

/** A round looks at every journal. */
const EVERY_MS = 600_000;

/** Keeps the journals at their retention, in the background, a batch at a time. Any number of nodes may do so at once. */
@Injectable()
export class Trimmer implements OnModuleInit, OnModuleDestroy {
  readonly #logger = new Logger('Trimmer');
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #round: Promise<void> | undefined;

  constructor(
    private readonly journals: JournalRepository,
    private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.#timer = setInterval(() => {
      this.#round ??= this.trim().finally(() => {
        this.#round = undefined;
      });
    }, EVERY_MS);
  }

  async onModuleDestroy(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#round;
  }

  /** One round over all journals; a failure is logged. */
  async trim(): Promise<void> {
    const { INBOX_RETENTION_DAYS, INBOX_RETENTION_ENTRIES } = this.config;
    try {
      let after: string | null = '';
      while (after !== null && !this.#stopped) {
        const { dropped, reached } = await this.journals.trim(
          after,
          INBOX_RETENTION_DAYS,
          INBOX_RETENTION_ENTRIES,
        );
        if (dropped === 0) after = reached;
        else this.#logger.debug(`Dropped ${dropped} journal entries.`);
      }
    } catch (error) {
      this.#logger.warn(
        `Trimming failed, it is tried again in ten minutes: ${(error as Error).message}`,
      );
    }
  }
}
