import { decodeCursor, encodeCursor } from '../graphql/paging.js';
import type { ActivityKey, ThreadRow } from './thread-rows.js';

/** The place of a thread in a list by activity. */
export const threadCursor = ({ activityAt, id }: ThreadRow): string =>
  encodeCursor('thread', Date.parse(activityAt), id);

/** @throws AppError BAD_USER_INPUT */
export function parseThreadCursor(cursor: string): ActivityKey {
  const [time = '', id = ''] = decodeCursor('thread', /^(\d{1,15}):([\da-f-]{36})$/, cursor);
  return { activityAt: new Date(Number(time)).toISOString(), id };
}
