import { Args, Info, Query, Resolver } from '@nestjs/graphql';
import type { GraphQLResolveInfo } from 'graphql';
import { CurrentViewer } from '../auth/current-viewer.js';
import type { Viewer } from '../auth/viewer.js';
import type { Connection } from '../graphql/paging.js';
import { connectionOf, windowOf } from '../graphql/paging.js';
import { fieldsOfNodes } from '../graphql/selection.js';
import { readingFor } from '../threads/thread-columns.js';
import { cursorsOfThreads } from '../threads/thread-cursors.js';
import { ChatThreadConnection } from '../threads/thread.model.js';
import { ThreadsArgs } from '../threads/threads.inputs.js';
import type { ThreadRow } from '../threads/thread-rows.js';
import { ThreadsService } from '../threads/threads.service.js';
import { lastMessagesFor, withLastMessages } from './last-messages.js';

/** The list of threads, which nearly always shows what was said last: so it stands here, where both are known. */
@Resolver()
export class ThreadListResolver {
  constructor(private readonly threadsService: ThreadsService) {}

  @Query(() => ChatThreadConnection, {
    description: 'The viewer’s threads (an admin’s or a service’s: all), latest activity first.',
  })
  async threads(
    @CurrentViewer() viewer: Viewer,
    @Args() args: ThreadsArgs,
    @Info() info: GraphQLResolveInfo,
  ): Promise<Connection<ThreadRow>> {
    const selection = args.filter ?? {};
    const cursors = cursorsOfThreads(viewer, selection);
    const window = windowOf(args, cursors);
    const lastFields = fieldsOfNodes(info, ['lastMessage']);
    const last = lastFields === null ? undefined : lastMessagesFor(lastFields);
    const { threads, columns, userOf } = await this.threadsService.findPage(
      viewer,
      selection,
      window.after,
      window.limit + 1,
      readingFor(fieldsOfNodes(info), last),
    );
    const rows = last === undefined ? threads : withLastMessages(threads, columns, userOf, last);
    return connectionOf(window, rows, cursors);
  }
}
