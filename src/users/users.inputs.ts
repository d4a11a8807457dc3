import { Field, ID, InputType, ObjectType } from '@nestjs/graphql';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsEmail,
  IsOptional,
  IsTimeZone,
  IsUrl,
  Matches,
  ValidateNested,
} from 'class-validator';
import {
  HasAtMost,
  IsForeignId,
  IsLanguageTag,
  IsStorableText,
  IsVisibleText,
} from '../graphql/input-validation.js';
import { User } from './user.model.js';

/** Other names, such as CET or IST, PostgreSQL takes as abbreviations, which mean something else than they do to Node.js. */
const PLACE = /^(UTC|GMT|[^/]+\/.+)$/i;

@InputType({
  description: 'What the marketplace tells of a person. What is null or left out stays as it is.',
})
export class UserInput {
  @Field(() => ID, { description: 'The marketplace’s own user id, 1 to 64 characters.' })
  @IsForeignId()
  id: string;

  @Field(() => String, {
    nullable: true,
    description: 'The name to show, at most 200 characters and at least one that can be seen.',
  })
  @IsOptional()
  // The lowest is checked first.
  @IsVisibleText()
  @IsStorableText()
  @HasAtMost(200)
  displayName?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'URL of a picture (http or https), at most 2,048 characters.',
  })
  @IsOptional()
  @IsUrl({ protocols: ['http', 'https'], require_protocol: true, require_tld: false })
  @IsStorableText()
  @HasAtMost(2_048)
  avatarUrl?: string | null;

  @Field(() => String, { nullable: true, description: 'For notifications by mail.' })
  @IsOptional()
  @IsEmail()
  // The lowest is checked first: IsEmail itself throws at half a character.
  @IsStorableText()
  email?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      'UTC, GMT or the IANA name of a place, for example Europe/Madrid. Abbreviations such as CET or EST are refused.',
  })
  @IsOptional()
  @IsTimeZone()
  @Matches(PLACE, {
    message: 'timeZone must be UTC, GMT or the IANA name of a place such as Europe/Madrid',
  })
  timeZone?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'BCP 47, for example es-ES (with a hyphen), at most 100 characters.',
  })
  @IsOptional()
  @IsLanguageTag()
  // The lowest is checked first: to read a tag of megabytes takes long.
  @HasAtMost(100)
  locale?: string | null;
}

@InputType({ description: 'People to create or refresh.' })
export class UpsertUsersInput {
  @Field(() => [UserInput], {
    description: 'At most 1,000; of two with the same id the last one holds.',
  })
  @ArrayMaxSize(1_000)
  @ValidateNested({ each: true })
  @Type(() => UserInput)
  users: UserInput[];
}

@ObjectType({ description: 'The people as they are now.' })
export class UpsertUsersPayload {
  @Field(() => [User], { description: 'In the order of the input.' })
  users: User[];
}
