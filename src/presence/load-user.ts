import type { Loaders } from '../graphql/loaders.js';
import type { User } from '../users/user.model.js';
import type { UsersService } from '../users/users.service.js';

/** A person to show; by the id alone where nobody has told more. */
export const loadUser = async (users: UsersService, loaders: Loaders, id: string): Promise<User> =>
  (await loaders.get('users', (ids) => users.findByIds(ids)).load(id)) ?? {
    id,
    displayName: null,
    avatarUrl: null,
  };
