import { Injectable } from '@nestjs/common';
import type { Viewer } from '../auth/viewer.js';
import { Config } from '../config.js';
import { badInput } from '../errors.js';
import { requirePerson } from './notifications.service.js';
import type { ChannelRow, PreferencesChange } from './preferences.repository.js';
import { PreferencesRepository } from './preferences.repository.js';

/** How a person wants to be told, with every default filled in. */
export interface Preferences {
  readonly channels: ChannelRow[];
  readonly quietHours: { readonly from: string; readonly until: string } | null;
  readonly timeZone: string;
  readonly mailDelayMinutes: number;
}

@Injectable()
export class PreferencesService {
  constructor(
    private readonly preferences: PreferencesRepository,
    private readonly config: Config,
  ) {}

  async find(viewer: Viewer): Promise<Preferences> {
    requirePerson(viewer);
    const row = await this.preferences.find(viewer.userId);
    const { channels, quietFrom, quietUntil, timeZone, mailDelayMinutes } = row;
    return {
      channels,
      quietHours:
        quietFrom === null || quietUntil === null ? null : { from: quietFrom, until: quietUntil },
      timeZone: timeZone ?? 'UTC',
      mailDelayMinutes: mailDelayMinutes ?? this.config.NOTIFICATION_MAIL_DELAY_MINUTES,
    };
  }

  async update(viewer: Viewer, change: PreferencesChange): Promise<void> {
    requirePerson(viewer);
    const { channels, quietHours } = change;
    if (new Set(channels.map(({ channel }) => channel)).size < channels.length)
      throw badInput('channels must name each channel at most once.');
    if (
      channels.some(({ channel, types }) => channel === 'MAIL' && types?.includes('MESSAGE_READ'))
    )
      throw badInput('Receipts are never mailed: types of MAIL must not have MESSAGE_READ.');
    if (quietHours?.from !== undefined && quietHours.from === quietHours.until)
      throw badInput('quietHours.until must be another time than quietHours.from.');
    await this.preferences.save(
      viewer.userId,
      {
        ...change,
        channels: channels.map((each) => ({
          ...each,
          types: each.types === null ? null : [...new Set(each.types)],
        })),
      },
      this.config.NOTIFICATION_MAIL_DELAY_MINUTES,
    );
  }
}
