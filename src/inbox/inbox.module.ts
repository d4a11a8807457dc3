import { Global, Module } from '@nestjs/common';
import { FreshReads } from './fresh-reads.js';
import { Hub } from './hub.js';
import { InboxResolver } from './inbox.resolver.js';
import { InboxService } from './inbox.service.js';
import { JournalRepository } from './journal.repository.js';
import { Trimmer } from './trimmer.js';

/**
 * The journal of each person: reading after a position, the live stream, sync, retention, and what else may be read where
 * the journal vouches for it. Knows no room.
 */
@Global()
@Module({
  providers: [JournalRepository, FreshReads, Hub, InboxService, InboxResolver, Trimmer],
  exports: [InboxService, FreshReads, Hub, Trimmer],
})
export class InboxModule {}
