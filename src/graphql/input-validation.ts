import type { ValidationError } from 'class-validator';
import { registerDecorator } from 'class-validator';
import type { ArgumentMetadata } from '@nestjs/common';
import { ValidationPipe } from '@nestjs/common';
import { badInput } from '../errors.js';
import { isForeignId, isLongerThan, isStorableText, isVisible } from '../text.js';
import { isCertainlyValid } from './quick-validation.js';

/** A check of a text, by itself in any input. */
const textRule =
  (name: string, passes: (text: string) => boolean, must: string) =>
  (): PropertyDecorator =>
  (target, property) => {
    registerDecorator({
      name,
      target: target.constructor,
      propertyName: property as string,
      validator: {
        validate: (value: unknown) => typeof value === 'string' && passes(value),
        defaultMessage: () => `${String(property)} must ${must}`,
      },
    });
  };

/** Text that PostgreSQL stores as it is: valid Unicode, no NUL, no lone surrogates. */
export const IsStorableText = textRule(
  'isStorableText',
  isStorableText,
  'be valid Unicode without NUL and without lone surrogates',
);

/** An id of the marketplace's own (a user, a trip): opaque, 1 to 64 characters. */
export const IsForeignId = textRule('isForeignId', isForeignId, 'be an id of 1 to 64 characters');

/** Not MaxLength of class-validator, which does not count the characters that change the look of the one before. */
export const HasAtMost = (limit: number): PropertyDecorator =>
  textRule('hasAtMost', (text) => !isLongerThan(limit, text), `have at most ${limit} characters`)();

/** Text with something to see in it. */
export const IsVisibleText = textRule(
  'isVisibleText',
  isVisible,
  'have at least one character that can be seen',
);

/** A tag such as `es-ES`; what operating systems write, `es_ES`, is none. */
export const IsLanguageTag = textRule(
  'isLanguageTag',
  isLanguageTag,
  'be a BCP 47 language tag such as es-ES',
);

function isLanguageTag(text: string): boolean {
  try {
    return Intl.getCanonicalLocales(text).length === 1;
  } catch {
    return false;
  }
}

/** Nest's, which is asked only where it has something to say: of a send it was a tenth. */
class InputValidation extends ValidationPipe {
  override transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const { type, metatype } = metadata;
    // What our own decorators give (the viewer, the loaders) comes from no client.
    const isFine =
      type === 'custom' || (metatype !== undefined && isCertainlyValid(metatype, value));
    return isFine ? Promise.resolve(value) : super.transform(value, metadata);
  }
}

/** Checks the arguments of every operation on both transports, nested ones too; unknown properties are refused. */
export const inputValidation = new InputValidation({
  transform: true,
  whitelist: true,
  forbidNonWhitelisted: true,
  forbidUnknownValues: true,
  stopAtFirstError: true,
  exceptionFactory: (errors) => badInput(describe(errors)),
});

function describe(errors: readonly ValidationError[], path = ''): string {
  return errors
    .flatMap(({ property, constraints, children }) => {
      const here = path === '' ? property : `${path}.${property}`;
      const own = Object.values(constraints ?? {}).map((text) => text.replace(property, here));
      return children?.length ? [...own, describe(children, here)] : own;
    })
    .join('; ');
}
