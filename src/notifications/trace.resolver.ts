import { Args, Query, Resolver } from '@nestjs/graphql';
import { CurrentViewer } from '../auth/current-viewer.js';
import type { Viewer } from '../auth/viewer.js';
import type { TraceRow } from './notification-rows.js';
import { NotificationTraceArgs } from './notifications.inputs.js';
import { NotificationTrace } from './trace.model.js';
import { TraceService } from './trace.service.js';

@Resolver()
export class TraceResolver {
  constructor(private readonly trace: TraceService) {}

  @Query(() => [NotificationTrace], {
    description:
      'Why somebody was told of a message, or was not: per recipient and channel, in the order of the user ids. For a service or an admin all recipients, for a person themself alone. Kept for 90 days unless configured.',
  })
  notificationTrace(
    @CurrentViewer() viewer: Viewer,
    @Args() { messageId }: NotificationTraceArgs,
  ): Promise<TraceRow[]> {
    return this.trace.find(viewer, messageId);
  }
}
