import { Args, Info, Query, Resolver } from '@nestjs/graphql';
import type { GraphQLResolveInfo } from 'graphql';
import { CurrentViewer } from '../auth/current-viewer.js';
import type { Viewer } from '../auth/viewer.js';
import { EventLoads } from '../graphql/event-loads.js';
import { CurrentLoaders, Loaders } from '../graphql/loaders.js';
import { fieldsAt } from '../graphql/selection.js';
import { SyncArgs } from '../inbox/inbox.inputs.js';
import { InboxSync } from '../inbox/inbox-event.model.js';
import type { SyncPage } from '../inbox/inbox.service.js';
import { DEFAULT_SYNC, InboxService } from '../inbox/inbox.service.js';

/** The journal as one answer. The journal itself does not load what its events name, so this is not asked in its folder. */
@Resolver()
export class SyncResolver {
  constructor(
    private readonly inbox: InboxService,
    private readonly loads: EventLoads,
  ) {}

  @Query(() => InboxSync, {
    description:
      'What happened after a cursor, for clients that were offline; without `after`, only the cursor of now. At most 500 events an answer.',
  })
  async sync(
    @CurrentViewer() viewer: Viewer,
    @Args() { after, first }: SyncArgs,
    @CurrentLoaders() loaders: Loaders,
    @Info() info: GraphQLResolveInfo,
  ): Promise<SyncPage> {
    const page = await this.inbox.sync(viewer, after ?? null, first ?? DEFAULT_SYNC);
    const asks = (path: readonly string[]): boolean => fieldsAt(info, ['events', ...path]) !== null;
    return { ...page, events: await this.loads.withoutGone(page.events, asks, viewer, loaders) };
  }
}
