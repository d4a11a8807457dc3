import { firstRows } from '../database/statement.js';
import type { Window } from '../page-window.js';
import { MOST_ROWS } from '../page-window.js';
import type { MessageSelection } from './message-rows.js';
import { PageQuery } from './page-query.js';

/** A page over several threads, by id, which is by time. */
export interface ViewerPage {
  readonly query: PageQuery;
  /** A SELECT of whole messages in the order of the page. */
  readonly rows: string;
}

/** Of a thread of more messages than this it is looked up where the cursor stands; others are read from their end. */
const LONG_THREAD = 100;

const directionOf = ({ backwards }: Window<string>): string => (backwards ? 'DESC' : 'ASC');

const first = (select: string): string => firstRows(select, '$2', MOST_ROWS);

/** Of all threads, for a service or an admin. */
export function pageOfAll(
  userId: string,
  selection: MessageSelection,
  window: Window<string>,
): ViewerPage {
  const query = new PageQuery([userId, window.limit + 1], 'all');
  if (window.after !== null) query.require('after', (bind) => `m.id > ${bind(window.after)}::uuid`);
  if (window.before !== null)
    query.require('before', (bind) => `m.id < ${bind(window.before)}::uuid`);
  query.select(
    selection,
    `m.author_id <> $1 AND m.deleted_at IS NULL AND m.sequence >
       (SELECT coalesce(max(r.last_read_sequence), 2147483647) FROM participants r
        WHERE r.thread_id = m.thread_id AND r.user_id = $1)`,
  );
  const rows = `SELECT m.* FROM messages m WHERE $1::text IS NOT NULL ${query.conditions} ORDER BY m.id ${directionOf(window)}`;
  return { query, rows: first(rows) };
}

/**
 * Of the viewer's own threads. A page of n can only come from the n threads whose first match is foremost, and of each at most n
 * messages: one probe of the index by sequence (which sorts as the ids do) per thread, and then the few pages are merged.
 */
export function pageOfOwn(
  userId: string,
  selection: MessageSelection,
  window: Window<string>,
): ViewerPage {
  const query = new PageQuery([userId, window.limit + 1], 'own');
  const upTo = (cursor: string, otherwise: string): string =>
    `CASE WHEN v.length > ${LONG_THREAD} THEN messages_up_to(v.thread_id, ${cursor}) ELSE ${otherwise} END`;
  if (window.after !== null)
    query.require('after', (bind) => {
      const after = `${bind(window.after)}::uuid`;
      return `m.id > ${after} AND m.sequence > ${upTo(after, '0')}`;
    });
  if (window.before !== null)
    query.require('before', (bind) => {
      const before = `${bind(window.before)}::uuid`;
      return `m.id < ${before} AND m.sequence <= ${upTo(before, 'v.length')}`;
    });
  query.select(
    selection,
    'v.unread_count > 0 AND m.author_id <> $1 AND m.deleted_at IS NULL AND m.sequence > v.last_read_sequence',
  );
  const direction = directionOf(window);
  const hasCursor = window.after !== null || window.before !== null;
  const threads = hasCursor
    ? '(SELECT p.*, t.last_sequence AS length FROM participants p JOIN threads t ON t.id = p.thread_id)'
    : 'participants';
  const ofThread = (columns: string): string =>
    `SELECT ${columns} FROM messages m WHERE m.thread_id = v.thread_id ${query.conditions} ORDER BY m.sequence ${direction}`;
  const foremost = first(
    `SELECT v.* FROM ${threads} AS v CROSS JOIN LATERAL (${ofThread('m.id')} LIMIT 1) AS foremost
     WHERE v.user_id = $1 ORDER BY foremost.id ${direction}`,
  );
  const rows = `SELECT m.* FROM (${foremost}) AS v CROSS JOIN LATERAL (${first(ofThread('m.*'))}) AS m ORDER BY m.id ${direction}`;
  return { query, rows: first(rows) };
}
