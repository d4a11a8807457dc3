import type { CustomScalar } from '@nestjs/graphql';
import { Scalar } from '@nestjs/graphql';
import type { ValueNode } from 'graphql';
import { GraphQLError, Kind } from 'graphql';
import type { Instant } from '../instants.js';
import { FIRST_INSTANT, LAST_INSTANT } from '../instants.js';

/** V8 would take the hour 24 for the next day’s first; it refuses all others that there are not. */
const INSTANT = /^\d{4}-\d\d-\d\d[Tt](?!24)\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/;

@Scalar('DateTime', () => Date)
export class DateTimeScalar implements CustomScalar<string, Date> {
  description =
    'An instant, RFC 3339 in UTC with milliseconds, for example 2026-03-11T14:35:00.000Z. Input with another offset is converted; input without an offset, or outside the years 0001 to 9999 in UTC, is refused.';

  /** What comes from the database is in this form already. */
  serialize(value: unknown): string {
    return value instanceof Date ? value.toISOString() : (value as Instant);
  }

  parseValue(value: unknown): Date {
    const instant = typeof value === 'string' && INSTANT.test(value) ? new Date(value) : undefined;
    // V8 moves 31 February to March; an instant that does not exist is refused instead.
    if (instant === undefined || Number.isNaN(instant.getTime()) || !isRealDay(value as string))
      throw new GraphQLError(
        'A DateTime must be RFC 3339 with an offset, for example 2026-03-11T14:35:00.000Z.',
      );
    // An offset can lead out of what RFC 3339 can say, and the year 0 is one that PostgreSQL does not know.
    if (instant.getTime() < FIRST_INSTANT || instant.getTime() > LAST_INSTANT)
      throw new GraphQLError('A DateTime must be in the years 0001 to 9999 in UTC.');
    return instant;
  }

  parseLiteral(node: ValueNode): Date {
    return this.parseValue(node.kind === Kind.STRING ? node.value : undefined);
  }
}

function isRealDay(text: string): boolean {
  const day = text.slice(0, 10);
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
}
