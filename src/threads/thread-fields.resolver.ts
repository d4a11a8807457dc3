import { Parent, ResolveField, Resolver } from '@nestjs/graphql';
import type DataLoader from 'dataloader';
import { CurrentViewer } from '../auth/current-viewer.js';
import type { Viewer } from '../auth/viewer.js';
import { notFound } from '../errors.js';
import { EventLoads } from '../graphql/event-loads.js';
import { CurrentLoaders, Loaders } from '../graphql/loaders.js';
import type { JournalKind } from '../inbox/journal-entry.js';
import { loadUser } from '../users/load-user.js';
import { User } from '../users/user.model.js';
import { UsersService } from '../users/users.service.js';
import { ThreadAccess } from './thread-access.js';
import { ChatThread, ThreadParticipant, ThreadUpdated } from './thread.model.js';
import type { ParticipantRow, ThreadRow } from './thread-rows.js';
import { ThreadsService } from './threads.service.js';

/** Events that tell of a thread, whichever room they are of. */
const WITH_THREAD: readonly JournalKind[] = [
  'THREAD_UPDATED',
  'MESSAGE_ADDED',
  'MESSAGE_UPDATED',
  'MESSAGE_READ',
  'MESSAGE_DELIVERED',
];

const userOf = ({ userId, displayName, avatarUrl }: ParticipantRow): User => ({
  id: userId,
  displayName,
  avatarUrl,
});

@Resolver(() => ChatThread)
export class ThreadFieldsResolver {
  constructor(
    private readonly threads: ThreadsService,
    private readonly users: UsersService,
  ) {}

  @ResolveField(() => [ThreadParticipant], {
    description: 'Everybody in the thread, tourist and guide first.',
  })
  async participants(
    @Parent() thread: ThreadRow,
    @CurrentLoaders() loaders: Loaders,
  ): Promise<ParticipantRow[]> {
    return (
      (await loaders
        .get('participants', (ids) => this.threads.participantsOf(ids))
        .load(thread.id)) ?? []
    );
  }

  @ResolveField(() => User, { nullable: true, description: 'Who blocked it, while it is blocked.' })
  blockedBy(
    @Parent() { blockedById }: ThreadRow,
    @CurrentLoaders() loaders: Loaders,
  ): Promise<User> | null {
    return blockedById === null ? null : loadUser(this.users, loaders, blockedById);
  }
}

@Resolver(() => ThreadParticipant)
export class ParticipantFieldsResolver {
  @ResolveField(() => User, { description: 'The person.' })
  user(@Parent() participant: ParticipantRow): User {
    return userOf(participant);
  }
}

@Resolver(() => ThreadUpdated)
export class ThreadUpdatedResolver {
  constructor(
    private readonly access: ThreadAccess,
    loads: EventLoads,
  ) {
    loads.add(WITH_THREAD, ['thread'], (viewer, loaders, { threadId }) =>
      loadThread(access, viewer, loaders, threadId),
    );
  }

  @ResolveField(() => ChatThread, { description: 'The thread as it is now.' })
  thread(
    @Parent() { threadId }: ThreadUpdated,
    @CurrentViewer() viewer: Viewer,
    @CurrentLoaders() loaders: Loaders,
  ): Promise<ThreadRow> {
    return loadThread(this.access, viewer, loaders, threadId);
  }
}

/** Those that the viewer may see, by id; one loader for all that an operation asks of threads. */
export const threadLoader = (
  access: ThreadAccess,
  viewer: Viewer,
  loaders: Loaders,
): DataLoader<string, ThreadRow | null> =>
  loaders.get('threads', (ids) => access.findVisible(viewer, ids));

/** @throws AppError NOT_FOUND where the viewer may not (or no longer) see it */
export async function loadThread(
  access: ThreadAccess,
  viewer: Viewer,
  loaders: Loaders,
  id: string,
): Promise<ThreadRow> {
  const thread = await threadLoader(access, viewer, loaders).load(id);
  if (thread === null) throw notFound('Thread');
  return thread;
}
