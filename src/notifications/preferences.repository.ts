import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import type { NotificationChannel, NotificationType } from '../generated/prisma/enums.js';

export interface ChannelRow {
  readonly channel: NotificationChannel;
  readonly enabled: boolean;
  readonly types: NotificationType[];
}

/** What a person has said, with the defaults for the rest; the delay's default is the configuration's. */
export interface PreferencesRow {
  readonly channels: ChannelRow[];
  readonly quietFrom: string | null;
  readonly quietUntil: string | null;
  readonly timeZone: string | null;
  readonly mailDelayMinutes: number | null;
}

/** What to change: undefined stays, null is the default. */
export interface PreferencesChange {
  readonly channels: readonly {
    readonly channel: NotificationChannel;
    readonly enabled: boolean | null;
    readonly types: readonly NotificationType[] | null;
  }[];
  readonly quietHours: { readonly from: string; readonly until: string } | null | undefined;
  readonly mailDelayMinutes: number | null | undefined;
}

@Injectable()
export class PreferencesRepository {
  constructor(private readonly database: Database) {}

  find(userId: string): Promise<PreferencesRow> {
    return this.database.row<PreferencesRow>(
      'notification_preferences',
      `SELECT (
           SELECT json_agg(json_build_object('channel', c.channel, 'enabled', coalesce(p.is_enabled, true),
             'types', coalesce(p.types, default_notification_types(c.channel))) ORDER BY c.channel)
           FROM unnest(enum_range(NULL::notification_channel)) AS c (channel)
           LEFT JOIN notification_channel_preferences p ON p.channel = c.channel AND p.user_id = v.user_id
         ) AS channels,
         to_char(q.quiet_from, 'HH24:MI') AS "quietFrom", to_char(q.quiet_until, 'HH24:MI') AS "quietUntil",
         u.time_zone AS "timeZone", q.mail_delay_minutes AS "mailDelayMinutes"
       FROM (SELECT $1::text AS user_id) AS v
       LEFT JOIN notification_preferences q ON q.user_id = v.user_id LEFT JOIN users u ON u.id = v.user_id`,
      [userId],
    );
  }

  /**
   * Also moves what waits to be mailed.
   * @param defaultMailDelayMinutes of whoever has not said otherwise
   */
  async save(
    userId: string,
    change: PreferencesChange,
    defaultMailDelayMinutes: number,
  ): Promise<void> {
    const { channels, quietHours, mailDelayMinutes } = change;
    await this.database.rows(
      'update_notification_preferences',
      'SELECT update_notification_preferences($1, $2, $3, $4, $5, $6, $7, $8)',
      [
        userId,
        JSON.stringify(channels),
        quietHours !== undefined,
        quietHours?.from ?? null,
        quietHours?.until ?? null,
        mailDelayMinutes !== undefined,
        mailDelayMinutes ?? null,
        defaultMailDelayMinutes,
      ],
    );
  }
}
