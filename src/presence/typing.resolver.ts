import { Args, Mutation, Parent, ResolveField, Resolver, Subscription } from '@nestjs/graphql';
import { CurrentViewer } from '../auth/current-viewer.js';
import type { Viewer } from '../auth/viewer.js';
import { CurrentLoaders, Loaders } from '../graphql/loaders.js';
import { User } from '../users/user.model.js';
import { UsersService } from '../users/users.service.js';
import { loadUser } from '../users/load-user.js';
import type { SignalStream } from './signal-stream.js';
import { SetTypingInput, SetTypingPayload, TypingChangedArgs } from './typing.inputs.js';
import { TypingChanged } from './typing.model.js';
import type { TypingSet } from './typing.service.js';
import { TypingService } from './typing.service.js';

@Resolver(() => TypingChanged)
export class TypingResolver {
  constructor(
    private readonly typing: TypingService,
    private readonly people: UsersService,
  ) {}

  @Mutation(() => SetTypingPayload, {
    description:
      'Tells the others in the thread that the viewer is typing, or no longer. Sending a message does not end it. true is refused with THREAD_ARCHIVED or THREAD_BLOCKED where the thread takes no messages.',
  })
  async setTyping(
    @CurrentViewer() viewer: Viewer,
    @Args('input', { description: 'The thread, and whether the viewer types in it.' })
    { threadId, isTyping }: SetTypingInput,
  ): Promise<SetTypingPayload> {
    return { threadId: await this.typing.signal(viewer, threadId, isTyping) };
  }

  @Subscription(() => TypingChanged, {
    description:
      'Who is typing in a thread: at once as it is, also when nobody types, then the whole set whenever it changes. A slow client gets the newest set only. Whoever is no longer in the thread is told nothing more, and it completes with the next change.',
  })
  typingChanged(
    @CurrentViewer() viewer: Viewer,
    @Args() { threadId }: TypingChangedArgs,
  ): Promise<SignalStream<TypingSet>> {
    return this.typing.watch(viewer, threadId);
  }

  @ResolveField(() => [User], {
    description: 'Everybody who types now, in the order in which they began.',
  })
  async users(
    @Parent() { userIds }: TypingChanged,
    @CurrentLoaders() loaders: Loaders,
  ): Promise<User[]> {
    return Promise.all(userIds.map((id) => loadUser(this.people, loaders, id)));
  }
}
