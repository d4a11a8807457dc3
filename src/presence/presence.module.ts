import { Module } from '@nestjs/common';
import { ThreadsModule } from '../threads/threads.module.js';
import { UsersModule } from '../users/users.module.js';
import { PresenceRepository } from './presence.repository.js';
import { PresenceResolver, UserPresenceResolver } from './presence.resolver.js';
import { PresenceService } from './presence.service.js';
import { SocketReporter } from './socket-reporter.js';
import { TypingResolver } from './typing.resolver.js';
import { TypingService } from './typing.service.js';

/** Who is here and who is typing: passing states, on the bus and in memory. */
@Module({
  imports: [UsersModule, ThreadsModule],
  providers: [
    PresenceRepository,
    PresenceService,
    SocketReporter,
    PresenceResolver,
    UserPresenceResolver,
    TypingService,
    TypingResolver,
  ],
})
export class PresenceModule {}
