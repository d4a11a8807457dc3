import { Global, Module } from '@nestjs/common';
import { Database } from './database.js';
import { Replica } from './replica.js';

/** PostgreSQL: the pool, the replica's, Prisma's client, migrations at start and the embedded server. */
@Global()
@Module({ providers: [Database, Replica], exports: [Database, Replica] })
export class DatabaseModule {}
