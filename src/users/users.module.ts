import { Module } from '@nestjs/common';
import { UsersRepository } from './users.repository.js';
import { UsersResolver } from './users.resolver.js';
import { UsersService } from './users.service.js';
import { ViewerResolver } from './viewer.resolver.js';

/** The people, as the marketplace tells of them, and the viewer. Knows no other room. */
@Module({
  providers: [UsersRepository, UsersService, UsersResolver, ViewerResolver],
  exports: [UsersService],
})
export class UsersModule {}
