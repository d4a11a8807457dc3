import { Args, Query, Resolver, Subscription } from '@nestjs/graphql';
import { CurrentViewer } from '../auth/current-viewer.js';
import type { Viewer } from '../auth/viewer.js';
import { AfterArgs, SyncArgs } from './inbox.inputs.js';
import { InboxEvent, InboxSync } from './inbox-event.model.js';
import type { SyncPage } from './inbox.service.js';
import { InboxService } from './inbox.service.js';
import type { JournalStream } from './journal-stream.js';

const DEFAULT_SYNC = 100;

@Resolver()
export class InboxResolver {
  constructor(private readonly inbox: InboxService) {}

  @Subscription(() => InboxEvent, {
    description: 'Everything for the viewer in one stream, InboxReady first.',
  })
  inboxEvents(
    @CurrentViewer() viewer: Viewer,
    @Args() { after }: AfterArgs,
  ): Promise<JournalStream> {
    return this.inbox.stream(viewer, {}, after ?? null, true);
  }

  @Query(() => InboxSync, {
    description:
      'What happened after a cursor, for clients that were offline; without `after`, only the cursor of now. At most 500 events an answer.',
  })
  sync(@CurrentViewer() viewer: Viewer, @Args() { after, first }: SyncArgs): Promise<SyncPage> {
    return this.inbox.sync(viewer, after ?? null, first ?? DEFAULT_SYNC);
  }
}
