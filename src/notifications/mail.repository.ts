import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import type {
  MessageType,
  NotificationReason,
  ParticipantRole,
} from '../generated/prisma/enums.js';

/** What a mail tells of, as it is now. */
export interface MailContent {
  readonly email: string;
  readonly userId: string;
  readonly threadId: string;
  readonly locale: string | null;
  readonly timeZone: string | null;
  readonly messages: readonly MailMessage[];
}

export interface MailMessage {
  readonly senderName: string | null;
  /** Null for the platform's messages and for whoever has left. */
  readonly senderRole: ParticipantRole | null;
  readonly messageType: MessageType;
  readonly body: string;
  readonly locationLabel: string | null;
  readonly sentAt: string;
}

/** What became of a claimed mail. */
export type Conclusion =
  | { readonly state: 'SENT' }
  | { readonly state: 'UNCONFIRMED'; readonly error: string }
  | { readonly state: 'FAILED'; readonly reason: NotificationReason; readonly error: string }
  | { readonly state: 'WAITING'; readonly error: string; readonly dueAt: Date };

@Injectable()
export class MailRepository {
  constructor(private readonly database: Database) {}

  /** Decides whether a due mail is sent, and claims it for this node. */
  async claim(
    mailId: string,
    claim: string,
    node: number,
    at: Date,
  ): Promise<'SEND' | 'LATER' | 'SUPPRESSED' | 'GONE'> {
    const { outcome } = await this.database.row<{
      outcome: 'SEND' | 'LATER' | 'SUPPRESSED' | 'GONE';
    }>('claim_mail', 'SELECT outcome FROM claim_mail($1, $2, $3, $4)', [mailId, claim, node, at]);
    return outcome;
  }

  /** What a claimed mail says, and how often it was tried. */
  async findContent(mailId: string): Promise<MailContent & { attempts: number }> {
    return this.database.row(
      'mail_content',
      `SELECT u.email, u.id AS "userId", u.locale, u.time_zone AS "timeZone", n.thread_id AS "threadId", n.attempts,
         (SELECT json_agg(json_build_object('senderName', s.display_name, 'senderRole', p.role,
            'messageType', m.message_type, 'body', m.body, 'locationLabel', m.location_label, 'sentAt', m.sent_at)
            ORDER BY m.sequence)
          FROM notification_deliveries d
          JOIN messages m ON m.id = d.message_id
          LEFT JOIN users s ON s.id = m.author_id AND m.message_type <> 'SYSTEM'
          LEFT JOIN participants p ON p.thread_id = m.thread_id AND p.user_id = s.id
          WHERE d.mail_id = n.id AND d.outcome = 'WAITING') AS messages
       FROM notification_mails n JOIN users u ON u.id = n.user_id WHERE n.id = $1`,
      [mailId],
    );
  }

  /** The last look, before the mail server becomes responsible. */
  async handOver(mailId: string, claim: string, at: Date): Promise<'GO' | 'CHANGED' | 'LOST'> {
    const { outcome } = await this.database.row<{ outcome: 'GO' | 'CHANGED' | 'LOST' }>(
      'hand_over_mail',
      'SELECT outcome FROM hand_over_mail($1, $2, $3)',
      [mailId, claim, at],
    );
    return outcome;
  }

  async conclude(mailId: string, claim: string, conclusion: Conclusion): Promise<void> {
    await this.database.rows('conclude_mail', 'SELECT conclude_mail($1, $2, $3, $4, $5, $6)', [
      mailId,
      claim,
      conclusion.state,
      conclusion.state === 'FAILED' ? conclusion.reason : null,
      conclusion.state === 'SENT' ? null : conclusion.error.slice(0, 1_000),
      conclusion.state === 'WAITING' ? conclusion.dueAt : null,
    ]);
  }

  /** @returns how many mails of dead nodes, or without a job, it put right */
  async rescue(at: Date, patienceSeconds: number): Promise<number> {
    const { touched } = await this.database.row<{ touched: number }>(
      'rescue_mails',
      'SELECT rescue_mails($1, make_interval(secs => $2)) AS touched',
      [at, patienceSeconds],
    );
    return touched;
  }

  /** No mail to this person any more, whatever they had chosen. False for somebody who is not there. */
  async unsubscribe(userId: string): Promise<boolean> {
    const rows = await this.database.rows(
      'unsubscribe_from_mail',
      `INSERT INTO notification_channel_preferences (user_id, channel, is_enabled, types)
       SELECT u.id, 'MAIL', false, default_notification_types('MAIL') FROM users u WHERE u.id = $1
       ON CONFLICT (user_id, channel) DO UPDATE SET is_enabled = false RETURNING user_id`,
      [userId],
    );
    return rows.length > 0;
  }
}
