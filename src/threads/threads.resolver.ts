import { Args, Mutation, Query, Resolver, Subscription } from '@nestjs/graphql';
import { CurrentViewer } from '../auth/current-viewer.js';
import type { Viewer } from '../auth/viewer.js';
import { ThreadAfterArgs } from '../inbox/inbox.inputs.js';
import { InboxService } from '../inbox/inbox.service.js';
import type { JournalStream } from '../inbox/journal-stream.js';
import { ThreadAccess } from './thread-access.js';
import { ChatThread, ThreadUpdated } from './thread.model.js';
import {
  AddParticipantInput,
  AddParticipantPayload,
  DeleteThreadInput,
  DeleteThreadPayload,
  MuteThreadInput,
  MuteThreadPayload,
  OpenThreadInput,
  OpenThreadPayload,
  RemoveParticipantInput,
  RemoveParticipantPayload,
  ThreadArgs,
  UpdateThreadStatusInput,
  UpdateThreadStatusPayload,
} from './threads.inputs.js';
import type { ThreadRow } from './thread-rows.js';
import { ThreadsService } from './threads.service.js';

@Resolver(() => ChatThread)
export class ThreadsResolver {
  constructor(
    private readonly threadsService: ThreadsService,
    private readonly access: ThreadAccess,
    private readonly inbox: InboxService,
  ) {}

  @Query(() => ChatThread, {
    nullable: true,
    description: 'One thread. NOT_FOUND where the viewer may not see it.',
  })
  thread(@CurrentViewer() viewer: Viewer, @Args() { id }: ThreadArgs): Promise<ThreadRow> {
    return this.threadsService.find(viewer, id);
  }

  @Mutation(() => OpenThreadPayload, {
    description:
      'Opens the conversation of a tourist and a guide, about a trip or (no tripId) before any booking. The same three again return the same thread, also when asked twice at once. One of the two must be the viewer, unless a service asks.',
  })
  openThread(
    @CurrentViewer() viewer: Viewer,
    @Args('input', { description: 'Whose conversation.' })
    { tripId, touristId, guideId }: OpenThreadInput,
  ): Promise<{ thread: ThreadRow; created: boolean }> {
    return this.threadsService.open(viewer, { tripId: tripId ?? null, touristId, guideId });
  }

  @Mutation(() => UpdateThreadStatusPayload, {
    description:
      'ACTIVE, ARCHIVED or BLOCKED, by a participant, a service or an admin. FORBIDDEN for lifting another’s block.',
  })
  async updateThreadStatus(
    @CurrentViewer() viewer: Viewer,
    @Args('input', { description: 'The thread and its status.' })
    { threadId, status, reason }: UpdateThreadStatusInput,
  ): Promise<{ thread: ThreadRow }> {
    return {
      thread: await this.threadsService.setStatus(viewer, threadId, status, reason ?? null),
    };
  }

  @Mutation(() => DeleteThreadPayload, {
    description: 'Removes the thread and all in it for good. Service or admin only.',
  })
  async deleteThread(
    @CurrentViewer() viewer: Viewer,
    @Args('input', { description: 'The thread.' }) { threadId }: DeleteThreadInput,
  ): Promise<DeleteThreadPayload> {
    await this.threadsService.delete(viewer, threadId);
    // As it stands everywhere else.
    return { deletedThreadId: threadId.toLowerCase() };
  }

  @Mutation(() => MuteThreadPayload, {
    description: 'No notifications of the thread for the viewer until an instant.',
  })
  async muteThread(
    @CurrentViewer() viewer: Viewer,
    @Args('input', { description: 'The thread, and until when.' })
    { threadId, until }: MuteThreadInput,
  ): Promise<{ thread: ThreadRow }> {
    return { thread: await this.threadsService.mute(viewer, threadId, until ?? null) };
  }

  @Mutation(() => AddParticipantPayload, {
    description:
      'A travel companion (MEMBER) or SUPPORT joins and sees the history, which is not unread to them. Service or admin only. Adding who is there changes nothing.',
  })
  async addParticipant(
    @CurrentViewer() viewer: Viewer,
    @Args('input', { description: 'Who joins what.' })
    { threadId, userId, role }: AddParticipantInput,
  ): Promise<{ thread: ThreadRow }> {
    return { thread: await this.threadsService.addParticipant(viewer, threadId, userId, role) };
  }

  @Mutation(() => RemoveParticipantPayload, {
    description:
      'Nothing said after this reaches that person, not even over a subscription that is open. The tourist and the guide stay. Service or admin only.',
  })
  async removeParticipant(
    @CurrentViewer() viewer: Viewer,
    @Args('input', { description: 'Who leaves what.' })
    { threadId, userId }: RemoveParticipantInput,
  ): Promise<{ thread: ThreadRow }> {
    return { thread: await this.threadsService.removeParticipant(viewer, threadId, userId) };
  }

  @Subscription(() => ThreadUpdated, { description: 'A thread of the viewer appeared or changed.' })
  async threadUpdated(
    @CurrentViewer() viewer: Viewer,
    @Args() { threadId, after }: ThreadAfterArgs,
  ): Promise<JournalStream> {
    return this.inbox.stream(
      viewer,
      await this.access.filterOf(viewer, ['THREAD_UPDATED'], threadId),
      after ?? null,
    );
  }
}
