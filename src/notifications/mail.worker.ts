import { randomUUID } from 'node:crypto';
import type { OnApplicationBootstrap, OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { Injectable, Logger } from '@nestjs/common';
import { Config } from '../config.js';
import { JobQueue } from './job-queue.repository.js';
import { MailWriter } from './mail-writer.js';
import type { Conclusion } from './mail.repository.js';
import { MailRepository } from './mail.repository.js';
import type { Verdict } from './smtp-delivery.js';

/** After 1, 2, 4 … minutes, then hourly: a mail server may be away for the better part of a day. */
const ATTEMPTS = 20;
const LONGEST_PAUSE_MINUTES = 60;
/** A job that is so late was lost with the node that had taken it. */
const OVERDUE_SECONDS = 10;
const STOP_WITHIN_MS = 5_000;
const AGAIN_MS = 1_000;

/**
 * Sends the mails that are due. Claim, hand over and conclusion are one transaction each; whichever of them a dying node
 * did not come to is done, or undone, by the sweep of another.
 */
@Injectable()
export class MailWorker implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger = new Logger('Mail');
  readonly #stopping = new AbortController();
  readonly #underway = new Map<string, Promise<void>>();
  /** What this node may hold, though it has not heard so. */
  readonly #claims = new Map<string, string>();
  #sweeper: NodeJS.Timeout | undefined;
  #sweeping: Promise<void> | undefined;

  constructor(
    private readonly mails: MailRepository,
    private readonly writer: MailWriter,
    private readonly jobs: JobQueue,
    private readonly config: Config,
  ) {}

  async onModuleInit(): Promise<void> {
    if (this.config.SMTP_URL !== undefined) await this.jobs.prepare();
  }

  async onApplicationBootstrap(): Promise<void> {
    if (this.config.SMTP_URL === undefined || !this.config.NOTIFIER) return;
    await this.jobs.work({
      send_mail: (payload) => this.send((payload as { mailId: string }).mailId),
    });
    // A signal may have come in the middle of the start.
    if (this.#stopping.signal.aborted) return;
    this.#sweeper = setInterval(() => {
      this.#sweeping ??= this.#sweep().finally(() => (this.#sweeping = undefined));
    }, this.config.NOTIFIER_SWEEP_MS);
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.#sweeper);
    this.#stopping.abort();
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise((resolve) => (timer = setTimeout(resolve, STOP_WITHIN_MS)));
    await Promise.race([this.jobs.stop(), patience]);
    clearTimeout(timer);
    await this.#sweeping;
  }

  /**
   * Whatever is thrown here makes the queue call again, and then it goes on under the same claim. A mail that waits again
   * has its next job before this one is over, and that is not lost: it comes after it.
   */
  async send(mailId: string): Promise<void> {
    while (this.#underway.has(mailId)) await this.#underway.get(mailId);
    const sending = this.#send(mailId);
    this.#underway.set(
      mailId,
      sending.catch(() => undefined),
    );
    try {
      await sending;
    } finally {
      this.#underway.delete(mailId);
    }
  }

  async #send(mailId: string): Promise<void> {
    const claim = this.#claims.get(mailId) ?? randomUUID();
    this.#claims.set(mailId, claim);
    const outcome = await this.mails.claim(mailId, claim, this.jobs.node, new Date());
    const conclusion = outcome === 'SEND' ? await this.#attempt(mailId, claim) : null;
    if (conclusion !== null) await this.#conclude(mailId, claim, conclusion);
    this.#claims.delete(mailId);
  }

  /** @returns null where the mail is another's by now, or waits again already */
  async #attempt(mailId: string, claim: string): Promise<Conclusion | null> {
    let attempts = 1;
    try {
      const content = await this.mails.findContent(mailId);
      attempts = content.attempts;
      // Loaded with the first mail: a node should not start later for it.
      const { deliver } = await import('./smtp-delivery.js');
      const verdict = await deliver(
        { url: this.config.SMTP_URL ?? '', timeoutMs: this.config.SMTP_TIMEOUT_SECONDS * 1_000 },
        this.writer.write(mailId, content),
        async () => (await this.mails.handOver(mailId, claim, new Date())) === 'GO',
        this.#stopping.signal,
      );
      return this.#conclusionOf(verdict, attempts);
    } catch (error) {
      this.#logger.error(error instanceof Error ? error.stack : String(error));
      return this.#later((error as Error).message, attempts);
    }
  }

  #conclusionOf(verdict: Verdict, attempts: number): Conclusion | null {
    if (verdict.kind === 'ACCEPTED') return { state: 'SENT' };
    if (verdict.kind === 'CALLED_OFF') return null;
    this.#logger.warn(`Attempt ${attempts} at a mail ended ${verdict.kind}: ${verdict.error}`);
    if (verdict.kind === 'UNCONFIRMED') return { state: 'UNCONFIRMED', error: verdict.error };
    if (verdict.isFinal) return { state: 'FAILED', reason: 'BOUNCED', error: verdict.error };
    return this.#later(verdict.error, attempts);
  }

  #later(error: string, attempts: number): Conclusion {
    if (this.#stopping.signal.aborted) return { state: 'WAITING', error, dueAt: new Date() };
    if (attempts >= ATTEMPTS) return { state: 'FAILED', reason: 'GAVE_UP', error };
    const minutes = Math.min(2 ** (attempts - 1), LONGEST_PAUSE_MINUTES);
    return { state: 'WAITING', error, dueAt: new Date(Date.now() + minutes * 60_000) };
  }

  /** Until it is written, or this node stops: then the sweep of another node finds the claim. */
  async #conclude(mailId: string, claim: string, conclusion: Conclusion): Promise<void> {
    for (;;) {
      try {
        await this.mails.conclude(mailId, claim, conclusion);
        return;
      } catch (error) {
        if (this.#stopping.signal.aborted) throw error;
        this.#logger.warn(`What became of a mail is written again: ${(error as Error).message}`);
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
  }

  async #sweep(): Promise<void> {
    try {
      const rescued = await this.mails.rescue(new Date(), OVERDUE_SECONDS);
      if (rescued > 0) this.#logger.log(`Put ${rescued} mails right that a node had left.`);
    } catch (error) {
      this.#logger.warn(`The sweep failed, the next one tries again: ${(error as Error).message}`);
    }
  }
}
