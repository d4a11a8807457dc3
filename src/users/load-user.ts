import type { Loaders } from '../graphql/loaders.js';
import type { User } from './user.model.js';
import type { UsersService } from './users.service.js';

/** A person by id, in one statement for all of an operation; one whom nobody knows any more keeps the id. */
export const loadUser = async (users: UsersService, loaders: Loaders, id: string): Promise<User> =>
  (await loaders.get('users', (ids) => users.findByIds(ids)).load(id)) ?? {
    id,
    displayName: null,
    avatarUrl: null,
  };
