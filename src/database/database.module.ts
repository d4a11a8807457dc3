import { Global, Module } from '@nestjs/common';
import { Database } from './database.js';

/** PostgreSQL: the pool, Prisma's client, migrations at start and the embedded server. */
@Global()
@Module({ providers: [Database], exports: [Database] })
export class DatabaseModule {}
