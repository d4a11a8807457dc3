import { Parent, ResolveField, Resolver, Subscription } from '@nestjs/graphql';
import { CurrentViewer } from '../auth/current-viewer.js';
import type { Viewer } from '../auth/viewer.js';
import type { Instant } from '../instants.js';
import { CurrentLoaders, Loaders } from '../graphql/loaders.js';
import { User } from '../users/user.model.js';
import { UsersService } from '../users/users.service.js';
import { loadUser } from '../users/load-user.js';
import { PresenceChanged } from './presence.model.js';
import type { Presence, PresenceEvent } from './presence.service.js';
import { PresenceService } from './presence.service.js';
import type { SignalStream } from './signal-stream.js';

@Resolver(() => PresenceChanged)
export class PresenceResolver {
  constructor(
    private readonly presence: PresenceService,
    private readonly people: UsersService,
  ) {}

  @Subscription(() => PresenceChanged, {
    description:
      'Somebody who shares a thread with the viewer came or went, from now on: who is online already tells User.isOnline, to be asked after subscribing. A slow client gets the newest of each person only. FORBIDDEN for a service.',
  })
  presenceChanged(@CurrentViewer() viewer: Viewer): SignalStream<PresenceEvent> {
    return this.presence.watch(viewer);
  }

  @ResolveField(() => User, { description: 'Who came or went.' })
  user(@Parent() { userId }: PresenceChanged, @CurrentLoaders() loaders: Loaders): Promise<User> {
    return loadUser(this.people, loaders, userId);
  }
}

@Resolver(() => User)
export class UserPresenceResolver {
  constructor(private readonly presence: PresenceService) {}

  @ResolveField(() => Boolean, {
    nullable: true,
    description:
      'Online when at least one live connection is open anywhere, and for a few seconds of grace after the last one, so that a reconnect does not flap. Null where the viewer shares no thread with this person, and for services.',
  })
  async isOnline(
    @Parent() user: User,
    @CurrentViewer() viewer: Viewer,
    @CurrentLoaders() loaders: Loaders,
  ): Promise<boolean | null> {
    return (await this.#presenceOf(user, viewer, loaders))?.isOnline ?? null;
  }

  @ResolveField(() => Date, {
    nullable: true,
    description:
      'When this person last came or went; connections beside an open one need not move it. Null while none has been seen, and where isOnline is null.',
  })
  async lastSeenAt(
    @Parent() user: User,
    @CurrentViewer() viewer: Viewer,
    @CurrentLoaders() loaders: Loaders,
  ): Promise<Instant | null> {
    return (await this.#presenceOf(user, viewer, loaders))?.lastSeenAt ?? null;
  }

  #presenceOf({ id }: User, viewer: Viewer, loaders: Loaders): Promise<Presence | null> {
    return loaders.get('presence', (ids) => this.presence.findVisible(viewer, ids)).load(id);
  }
}
