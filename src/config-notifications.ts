import { IsBoolean, IsOptional, Matches, MinLength } from 'class-validator';
import { IsMailServerAddress, IsThreadAddress, IsWebBase } from './config-addresses.js';
import { SHORTEST_SECRET, toBoolean, WholeNumber } from './config-values.js';

/** The part of the environment that is about telling people; Config is the whole. */
export class NotificationConfig {
  /** Those of its variables that have no value unless they are set. */
  static readonly optional = ['SMTP_URL', 'MAIL_FROM', 'PUBLIC_URL', 'THREAD_URL', 'LINK_SECRET'];

  /** Whether this node makes notifications in the background; in tests only where they ask for it. */
  @toBoolean
  @IsBoolean()
  NOTIFIER: boolean;

  /** How often the notifier looks for people whose hint was lost, and for what dead nodes have left. */
  @WholeNumber(50, 60_000)
  NOTIFIER_SWEEP_MS = 2_000;

  @WholeNumber(1, 3_650)
  NOTIFICATION_RETENTION_DAYS = 90;

  /** How long a message stays unread before a mail tells of it, for whoever has not said otherwise. */
  @WholeNumber(0, 1_440)
  NOTIFICATION_MAIL_DELAY_MINUTES = 10;

  /** smtp://user:password@host:587 or smtps://…:465; without it no mail is sent. */
  @IsOptional()
  @IsMailServerAddress()
  SMTP_URL?: string;

  /** How long the mail server has to take a mail; its answer to the whole of it is waited for ten times as long. */
  @WholeNumber(1, 600)
  SMTP_TIMEOUT_SECONDS = 30;

  /** The sender of mails: `address@host` or `Name <address@host>`. */
  @IsOptional()
  @Matches(/^(?:[^<>\r\n@]*<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+)$/, {
    message: 'MAIL_FROM must be an address such as Parley <no-reply@example.com>',
  })
  MAIL_FROM?: string;

  /** Where people reach this server, for the links in mails. */
  @IsOptional()
  @IsWebBase()
  PUBLIC_URL?: string;

  /** Where the marketplace shows a conversation, for the link in mails; {threadId} is filled in. */
  @IsOptional()
  @IsThreadAddress()
  THREAD_URL?: string;

  /** Signs the links in mails; JWT_SECRET does where it is not set. */
  @IsOptional()
  @MinLength(SHORTEST_SECRET)
  LINK_SECRET?: string;
}

/** What is wrong with the variables together. */
export const notificationFaults = (
  config: NotificationConfig & { readonly JWT_SECRET?: string },
): string[] =>
  config.SMTP_URL === undefined
    ? []
    : [
        ...(config.MAIL_FROM === undefined
          ? ['MAIL_FROM must be set with SMTP_URL: the address that mails come from']
          : []),
        ...(config.PUBLIC_URL === undefined
          ? ['PUBLIC_URL must be set with SMTP_URL: where people reach this server']
          : []),
        ...(config.LINK_SECRET === undefined && config.JWT_SECRET === undefined
          ? [
              'LINK_SECRET (at least 32 bytes) must be set with SMTP_URL where there is no JWT_SECRET',
            ]
          : []),
      ];
