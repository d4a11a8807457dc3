import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { Injectable, Logger } from '@nestjs/common';
import { Config } from '../config.js';
import { JournalRepository } from './journal.repository.js';

const EVERY_MS = 60_000;

/** Keeps the journals at their retention, in the background, a batch at a time. Any number of nodes may do so at once. */
@Injectable()
export class Trimmer implements OnModuleInit, OnModuleDestroy {
  readonly #logger = new Logger('Trimmer');
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(
    private readonly journals: JournalRepository,
    private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.#timer = setInterval(() => {
      this.#running = this.trim();
    }, EVERY_MS);
  }

  async onModuleDestroy(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#running;
  }

  /** Runs until nothing is left to drop. */
  async trim(): Promise<void> {
    try {
      while (!this.#stopped) {
        const dropped = await this.journals.trim(
          this.config.INBOX_RETENTION_DAYS,
          this.config.INBOX_RETENTION_ENTRIES,
        );
        if (dropped === 0) return;
        this.#logger.debug(`Dropped ${dropped} journal entries.`);
      }
    } catch (error) {
      this.#logger.warn(
        `Trimming failed, it is tried again in a minute: ${(error as Error).message}`,
      );
    }
  }
}
