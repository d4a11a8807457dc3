import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Type } from '@nestjs/common';
import { ValidationPipe } from '@nestjs/common';
import { getMetadataStorage } from 'class-validator';
import * as inbox from '../src/inbox/inbox.inputs.js';
import * as messages from '../src/messages/messages.inputs.js';
import * as notifications from '../src/notifications/notifications.inputs.js';
import * as preferences from '../src/notifications/preferences.inputs.js';
import * as typing from '../src/presence/typing.inputs.js';
import * as threads from '../src/threads/threads.inputs.js';
import * as users from '../src/users/users.inputs.js';
import { inputValidation } from '../src/graphql/input-validation.js';
import * as paging from '../src/graphql/paging.js';
import { isCertainlyValid } from '../src/graphql/quick-validation.js';

const rulesOf = (type: Type): string[] => {
  const rules = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
  return [...new Set(rules.map(({ propertyName }) => propertyName))];
};

const rooms = [inbox, messages, notifications, preferences, typing, threads, users, paging];
const inputs = rooms
  .flatMap((room) => Object.values<unknown>(room))
  .filter(
    (member): member is Type => typeof member === 'function' && /^class /.test(String(member)),
  )
  .filter((type) => rulesOf(type).length > 0);

/** What clients send, well or ill; what is nested is made of the same. */
const PLAIN: readonly unknown[] = [
  ...[undefined, null, true, false, 0, 1, -1, 1.5, 100, 101, 2 ** 31, NaN, Infinity],
  ...[
    '',
    ' ',
    'a',
    'TEXT',
    'ACTIVE',
    'MAIL',
    'MEMBER',
    'NEW_MESSAGE',
    randomUUID(),
    'a@b.example',
    '22:00',
  ],
  ...['Europe/Vienna', 'de-AT', 'https://a.example/b.png', '2026-11-21T10:00:00.000Z', 'NUL\0'],
  ...['\ud800', 'a'.repeat(65), 'a'.repeat(201), 'a'.repeat(5_000), new Date(), [], ['a'], {}],
  ...[['NEW_MESSAGE'], [1, 'a'], [null], { unknown: 1 }, [{}], [{ unknown: 1 }]],
];

/** Without Nest's pipe being asked only where it has something to say. */
const whole = (type: Type, value: unknown): Promise<unknown> =>
  ValidationPipe.prototype.transform.call(inputValidation, value, { type: 'body', metatype: type });

const complaintOf = (type: Type, value: unknown): Promise<string> =>
  whole(type, value).then(
    () => '',
    (error: unknown) => `refused: ${(error as Error).message}`,
  );

/** A valid value, found by trying: property by property, the first that is not complained of. */
async function validValue(type: Type, candidates: readonly unknown[]): Promise<object> {
  const value: Record<string, unknown> = {};
  for (const property of rulesOf(type))
    for (const candidate of candidates) {
      value[property] = candidate;
      if (!(await complaintOf(type, value)).includes(property)) break;
    }
  return value;
}

describe('what is certainly valid is what class-validator accepts', () => {
  const candidates = [...PLAIN];

  beforeAll(async () => {
    const flat = await Promise.all(inputs.map((type) => validValue(type, PLAIN)));
    candidates.push(...flat, ...flat.map((value) => [value]));
  });

  it.each(inputs.map((type) => [type.name, type] as const))('for %s', async (_name, type) => {
    const valid = await validValue(type, candidates);
    expect(isCertainlyValid(type, valid)).toBe(true);
    const variants = rulesOf(type).flatMap((property) =>
      candidates.map((candidate) => ({ ...valid, [property]: candidate })),
    );
    for (const variant of [valid, { ...valid, unknown: 1 }, {}, ...variants])
      expect({ variant, is: isCertainlyValid(type, variant) }).toEqual({
        variant,
        is: (await complaintOf(type, variant)) === '',
      });
  });

  it('and nothing that is no object', () => {
    for (const value of [[{}], 'text', 1, null, undefined])
      expect(isCertainlyValid(threads.MuteThreadInput, value)).toBe(false);
  });
});
