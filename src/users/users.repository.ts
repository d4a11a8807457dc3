import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import type { Hints } from '../inbox/inbox.service.js';
import type { UserRow } from './user-rows.js';

/** What may be told of a person; null keeps what is known. */
export interface UserProfile {
  readonly id: string;
  readonly displayName: string | null;
  readonly avatarUrl: string | null;
  readonly email: string | null;
  readonly timeZone: string | null;
  readonly locale: string | null;
}

@Injectable()
export class UsersRepository {
  constructor(private readonly database: Database) {}

  async findByIds(ids: readonly string[]): Promise<ReadonlyMap<string, UserRow>> {
    const { user } = await this.database.prisma();
    const users = await user.findMany({
      where: { id: { in: [...ids] } },
      select: { id: true, displayName: true, avatarUrl: true },
    });
    return new Map(users.map((each) => [each.id, each]));
  }

  /** Creates or refreshes people, all or none; who sees a changed name or picture finds it in their journal. */
  async upsert(service: string, profiles: readonly UserProfile[]): Promise<Hints> {
    const column = (key: keyof UserProfile): string[] =>
      profiles.map((profile) => profile[key]) as string[];
    const { hints } = await this.database.row<{ hints: Hints }>(
      'upsert_users',
      'SELECT upsert_users($1, $2, $3, $4, $5, $6, $7) AS hints',
      [
        column('id'),
        column('displayName'),
        column('avatarUrl'),
        column('email'),
        column('timeZone'),
        column('locale'),
        service,
      ],
    );
    return hints;
  }
}
