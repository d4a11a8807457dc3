import { Args, Mutation, ResolveField, Resolver } from '@nestjs/graphql';
import { CurrentViewer } from '../auth/current-viewer.js';
import type { Viewer as Caller } from '../auth/viewer.js';
import { InboxService } from '../inbox/inbox.service.js';
import { Viewer } from '../users/user.model.js';
import { UpdateNotificationPreferencesInput } from './preferences.inputs.js';
import {
  NotificationPreferences,
  UpdateNotificationPreferencesPayload,
} from './preferences.model.js';
import type { Preferences } from './preferences.service.js';
import { PreferencesService } from './preferences.service.js';

@Resolver(() => Viewer)
export class PreferencesResolver {
  constructor(
    private readonly preferences: PreferencesService,
    private readonly inbox: InboxService,
  ) {}

  @ResolveField(() => NotificationPreferences, {
    description: 'How the viewer wants to be told. FORBIDDEN for a service, which is told nothing.',
  })
  notificationPreferences(@CurrentViewer() viewer: Caller): Promise<Preferences> {
    return this.preferences.find(viewer);
  }

  @Mutation(() => UpdateNotificationPreferencesPayload, {
    description:
      'Changes how the viewer is told, from now on, and also of what is waiting to be mailed.',
  })
  async updateNotificationPreferences(
    @CurrentViewer() viewer: Caller,
    @Args('input', { description: 'What to change.' })
    { channels, quietHours, mailDelayMinutes }: UpdateNotificationPreferencesInput,
  ): Promise<UpdateNotificationPreferencesPayload> {
    await this.preferences.update(viewer, {
      channels: (channels ?? []).map(({ channel, enabled = null, types = null }) => ({
        channel,
        enabled,
        types,
      })),
      quietHours,
      mailDelayMinutes,
    });
    const state = await this.inbox.stateOf(viewer);
    return { viewer: { ...state, cursor: this.inbox.cursorOf(viewer, state) } };
  }
}
