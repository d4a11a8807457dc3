import { ArgsType, Field, ID, Int } from '@nestjs/graphql';
import { IsInt, IsOptional, IsString, IsUUID, Max, MaxLength, Min } from 'class-validator';
import { MAX_SYNC } from './inbox.service.js';

@ArgsType()
export class AfterArgs {
  @Field(() => String, {
    nullable: true,
    description:
      'Replays everything after this cursor first; from now on without it. RESYNC_REQUIRED where the journal does not reach back that far, BAD_USER_INPUT for a cursor that is not the viewer’s.',
  })
  @IsOptional()
  @IsString()
  @MaxLength(200)
  after?: string | null;
}

@ArgsType()
export class ThreadAfterArgs extends AfterArgs {
  @Field(() => ID, {
    nullable: true,
    description: 'Only events of this thread; of all the viewer’s threads without it.',
  })
  @IsOptional()
  @IsUUID()
  threadId?: string | null;
}

@ArgsType()
export class SyncArgs {
  @Field(() => String, {
    nullable: true,
    description: 'Where the client stands. Without it the answer is only the cursor of now.',
  })
  @IsOptional()
  @IsString()
  @MaxLength(200)
  after?: string | null;

  @Field(() => Int, {
    nullable: true,
    description: 'At most so many journal entries, 1 to 500; 100 unless told.',
  })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_SYNC)
  first?: number | null;
}
