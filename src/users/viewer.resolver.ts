import { Context, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { CurrentViewer } from '../auth/current-viewer.js';
import type { Viewer as Caller } from '../auth/viewer.js';
import type { GraphqlContext } from '../graphql/context.js';
import { InboxService } from '../inbox/inbox.service.js';
import { User, Viewer } from './user.model.js';
import { UsersService } from './users.service.js';

@Resolver(() => Viewer)
export class ViewerResolver {
  constructor(
    private readonly users: UsersService,
    private readonly inbox: InboxService,
  ) {}

  @Query(() => Viewer, {
    description: 'The caller, with exact totals and the cursor to subscribe after.',
  })
  async viewer(
    @CurrentViewer() viewer: Caller,
    @Context() context: GraphqlContext,
  ): Promise<Viewer> {
    const state = await (context.startState ?? this.inbox.stateOf(viewer));
    return { ...state, cursor: this.inbox.cursorOf(viewer, state) };
  }

  @ResolveField(() => User, {
    description: 'The caller as a person. A service is nobody’s person: it has its id alone.',
  })
  async user(@CurrentViewer() { userId, isService }: Caller): Promise<User> {
    const known = isService ? undefined : (await this.users.findByIds([userId])).get(userId);
    return known ?? { id: userId, displayName: null, avatarUrl: null };
  }
}
