import { Global, Module } from '@nestjs/common';
import { PlaygroundController, PlaygroundOptions } from './playground.controller.js';

/** GraphiQL, served from here alone. */
@Global()
@Module({
  controllers: [PlaygroundController],
  providers: [PlaygroundOptions],
  exports: [PlaygroundOptions],
})
export class PlaygroundModule {}
