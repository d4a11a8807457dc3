import { Global, Module } from '@nestjs/common';
import { Hub } from './hub.js';
import { InboxResolver } from './inbox.resolver.js';
import { InboxService } from './inbox.service.js';
import { JournalRepository } from './journal.repository.js';
import { Trimmer } from './trimmer.js';

/** The journal of each person: reading after a position, the live stream, sync and retention. Knows no room. */
@Global()
@Module({
  providers: [JournalRepository, Hub, InboxService, InboxResolver, Trimmer],
  exports: [InboxService, Hub, Trimmer],
})
export class InboxModule {}
