import type { Viewer } from '../auth/viewer.js';
import { byInstant, ListCursors } from '../graphql/list-cursors.js';
import type { InstantKey } from '../page-window.js';
import type { ThreadRow, ThreadSelection } from './thread-rows.js';

const BY_ACTIVITY = byInstant<ThreadRow>('thread', ({ activityAt, id }) => ({
  at: activityAt,
  id,
}));

/** Of the list of the viewer's threads by activity. */
export const cursorsOfThreads = (
  { userId }: Viewer,
  { touristId, guideId, tripId, status, unread }: ThreadSelection,
): ListCursors<ThreadRow, InstantKey> =>
  new ListCursors(BY_ACTIVITY, [userId, touristId, guideId, tripId, status, unread]);
