import { Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AuthGuard } from './auth.guard.js';
import { PeopleRepository } from './people.repository.js';
import { TokenVerifier } from './token-verifier.js';

/** Who is calling: token to Viewer, and the guard that is closed by default. Knows no room. */
@Global()
@Module({
  providers: [TokenVerifier, PeopleRepository, { provide: APP_GUARD, useClass: AuthGuard }],
  exports: [TokenVerifier],
})
export class AuthModule {}
