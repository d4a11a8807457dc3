import { Args, Resolver, Subscription } from '@nestjs/graphql';
import { CurrentViewer } from '../auth/current-viewer.js';
import type { Viewer } from '../auth/viewer.js';
import { AfterArgs } from './inbox.inputs.js';
import { InboxEvent } from './inbox-event.model.js';
import { InboxService } from './inbox.service.js';
import type { JournalStream } from './journal-stream.js';

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
}
