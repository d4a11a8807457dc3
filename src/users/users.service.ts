import { Injectable } from '@nestjs/common';
import type { Viewer } from '../auth/viewer.js';
import { AppError, ErrorCode } from '../errors.js';
import { InboxService } from '../inbox/inbox.service.js';
import type { UserProfile } from './users.repository.js';
import { UsersRepository } from './users.repository.js';
import type { UserRow } from './user-rows.js';

@Injectable()
export class UsersService {
  constructor(
    private readonly users: UsersRepository,
    private readonly inbox: InboxService,
  ) {}

  findByIds(ids: readonly string[]): Promise<ReadonlyMap<string, UserRow>> {
    return this.users.findByIds(ids);
  }

  /** @returns the people in the order asked for */
  async upsert(viewer: Viewer, profiles: readonly UserProfile[]): Promise<UserRow[]> {
    if (!viewer.isService)
      throw new AppError(ErrorCode.FORBIDDEN, 'Only a service creates and refreshes people.');
    this.inbox.announce(await this.users.upsert(viewer.userId, profiles));
    const found = await this.users.findByIds(profiles.map(({ id }) => id));
    return profiles.flatMap(({ id }) => found.get(id) ?? []);
  }
}
