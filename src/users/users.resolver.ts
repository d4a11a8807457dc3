import { Args, Mutation, Resolver } from '@nestjs/graphql';
import { CurrentViewer } from '../auth/current-viewer.js';
import type { Viewer as Caller } from '../auth/viewer.js';
import type { UserInput } from './users.inputs.js';
import { UpsertUsersInput, UpsertUsersPayload } from './users.inputs.js';
import type { UserProfile } from './users.repository.js';
import { UsersService } from './users.service.js';

@Resolver()
export class UsersResolver {
  constructor(private readonly users: UsersService) {}

  @Mutation(() => UpsertUsersPayload, {
    description: 'Creates or refreshes people. Service only; at most 1,000 at once.',
  })
  async upsertUsers(
    @CurrentViewer() viewer: Caller,
    @Args('input', { description: 'The people.' }) input: UpsertUsersInput,
  ): Promise<UpsertUsersPayload> {
    return { users: await this.users.upsert(viewer, input.users.map(toProfile)) };
  }
}

/** GraphQL may leave a field out; the repository is always told. */
const toProfile = ({
  id,
  displayName = null,
  avatarUrl = null,
  email = null,
  timeZone = null,
  locale = null,
}: UserInput): UserProfile => ({
  id,
  displayName,
  avatarUrl,
  email,
  timeZone,
  locale,
});
