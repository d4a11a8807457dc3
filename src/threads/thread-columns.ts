import type { Columns, Detail, People } from '../database/columns.js';
import { columnsFor, selectPage, valueAt } from '../database/columns.js';
import { firstRows } from '../database/statement.js';
import { detailFor } from '../graphql/selection.js';
import { toInstant, toInstantOrNull } from '../instants.js';
import { MOST_ROWS } from '../page-window.js';
import type { UserRow } from '../users/user-rows.js';
import { unnamed } from '../users/user-rows.js';
import type { ThreadRow } from './thread-rows.js';

type Stored = Omit<ThreadRow, 'tourist' | 'guide' | 'lastMessageAt'>;

/** Of a plain thread, where nobody asks for it. */
const NOT_READ = '';

/** What is read of a row of the page, by the names of the row's properties. */
const EXPRESSIONS: Readonly<Record<keyof Stored, string>> = {
  id: 't.id',
  tripId: 't.trip_id',
  touristId: 't.tourist_id',
  guideId: 't.guide_id',
  status: 't.status',
  blockedById: 't.blocked_by_id',
  lastSequence: 't.last_sequence',
  lastMessageId: 't.last_message_id',
  activityAt: 't.activity_at',
  createdAt: 't.created_at',
  updatedAt: 't.updated_at',
  unreadCount: 'coalesce(t.unread_count, 0)',
  viewerMutedUntil: 't.muted_until',
  viewerCanSend: `(t.viewer_id IS NOT NULL AND t.status = 'ACTIVE')`,
};

const RARE: readonly (keyof Stored)[] = [
  'tripId',
  'blockedById',
  'lastMessageId',
  'createdAt',
  'updatedAt',
  'viewerMutedUntil',
  'viewerCanSend',
];

/** The fields of the API that a plain thread answers. */
const PLAIN_THREAD_FIELDS: ReadonlySet<string> = new Set([
  'id',
  'touristId',
  'guideId',
  'tourist',
  'guide',
  'status',
  'lastSequence',
  'lastMessageAt',
  'lastMessage',
  'unreadCount',
  'participants',
  'messages',
]);

/** What another room adds to each thread `t` of a page, by a join of its own that keeps one row per thread. */
export interface ThreadAddition {
  /** Tells the statement from others. */
  readonly name: string;
  readonly join: string;
  /** By the names of the answer's columns. */
  readonly columns: Readonly<Record<string, string>>;
  /** Those of its columns that are ids of people. */
  readonly people: readonly string[];
  /** Those of these whose people are to be named. */
  readonly named: readonly string[];
  /** Whether it shows the thread again, and of that whatever it likes. */
  readonly showsThread: boolean;
}

/** What is read of a page of threads. */
export interface ThreadReading {
  readonly detail: Detail;
  /** Columns with ids of people. */
  readonly people: readonly string[];
  /** Those of them whose people are to be named. */
  readonly named: readonly string[];
  readonly addition?: ThreadAddition | undefined;
}

const PEOPLE = ['touristId', 'guideId'] as const;

export const WHOLE_THREADS: ThreadReading = { detail: 'whole', people: PEOPLE, named: PEOPLE };

/** @param fields of the API that are asked of the threads */
export function readingFor(
  fields: ReadonlySet<string> | null,
  addition: ThreadAddition | undefined,
): ThreadReading {
  const isWhole = addition?.showsThread === true;
  const named: string[] = [...(addition?.named ?? [])];
  if (isWhole || fields?.has('tourist') === true) named.push('touristId');
  if (isWhole || fields?.has('guide') === true) named.push('guideId');
  const people = addition === undefined ? PEOPLE : [...PEOPLE, ...addition.people];
  const detail = isWhole ? 'whole' : detailFor(fields, PLAIN_THREAD_FIELDS);
  return { detail, people, named, addition };
}

export type ThreadColumns = Columns<Stored> & { readonly people: People };

/**
 * @param rest of a SELECT of threads `t`, with the viewer's row `v` in each (or none), in the order of the page
 * @param parameters `named`: the names of the columns whose people are named, for as text each set of them would be a statement
 *   of its own; without it all are. `limit`: how many rows of the page; without it all
 */
export function selectThreads(
  rest: string,
  { detail, people, addition }: ThreadReading = WHOLE_THREADS,
  { named, limit }: { readonly named?: string; readonly limit?: string } = {},
): string {
  const names = Object.keys(addition?.columns ?? {});
  const added = names.map((name) => `, ${addition?.columns[name] ?? ''} AS "${name}"`).join('');
  const page = `SELECT t.*, v.user_id AS viewer_id, v.unread_count, v.muted_until${added} ${rest}`;
  const expressions = {
    ...columnsFor(EXPRESSIONS, detail, RARE),
    ...Object.fromEntries(names.map((name) => [name, `t."${name}"`])),
  };
  const ids = people.map((name) =>
    named === undefined
      ? `page."${name}"`
      : `CASE WHEN '${name}' = ANY (${named}) THEN page."${name}" END`,
  );
  const rows = limit === undefined ? page : firstRows(page, limit, MOST_ROWS);
  return selectPage([rows, 't'], expressions, ids);
}

/** @param named the columns whose people are named */
export function toThreads(
  columns: Columns<Stored>,
  userOf: (id: string) => UserRow,
  { named }: Pick<ThreadReading, 'named'> = WHOLE_THREADS,
): ThreadRow[] {
  const { id, tripId, touristId, guideId, status, blockedById } = columns;
  const { lastSequence, lastMessageId, activityAt, createdAt, updatedAt } = columns;
  const { unreadCount, viewerMutedUntil, viewerCanSend } = columns;
  const touristOf = named.includes('touristId') ? userOf : unnamed;
  const guideOf = named.includes('guideId') ? userOf : unnamed;
  return (id ?? []).map((thread, index) => {
    const tourist = valueAt(touristId, index);
    const guide = valueAt(guideId, index);
    const sequence = valueAt(lastSequence, index);
    const lastActive = toInstant(valueAt(activityAt, index));
    return {
      id: thread,
      tripId: valueAt(tripId, index),
      touristId: tourist,
      guideId: guide,
      tourist: touristOf(tourist),
      guide: guideOf(guide),
      status: valueAt(status, index),
      blockedById: valueAt(blockedById, index),
      lastSequence: sequence,
      lastMessageId: valueAt(lastMessageId, index),
      // The doctor sees to it that these are one, where there is a message.
      lastMessageAt: sequence === 0 ? null : lastActive,
      activityAt: lastActive,
      createdAt: toInstantOrNull(valueAt(createdAt, index)) ?? NOT_READ,
      updatedAt: toInstantOrNull(valueAt(updatedAt, index)) ?? NOT_READ,
      unreadCount: valueAt(unreadCount, index),
      viewerMutedUntil: toInstantOrNull(valueAt(viewerMutedUntil, index)),
      viewerCanSend: valueAt(viewerCanSend, index),
    };
  });
}
