import { sleep } from '../faults/random.js';
import type { DatabaseName, Databases } from './databases.js';

const PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 250;

/** People whose journal holds what the notifier has not taken in. */
const BEHIND = `SELECT count(*)::integer AS count FROM inboxes i LEFT JOIN notifier_positions n USING (user_id)
  WHERE i.position > coalesce(n.position, 0)`;

/** Messages of which the other one of the thread was told, or that they had read before they could be told. */
const TOLD = {
  parley: `SELECT count(DISTINCT m.id)::integer AS count FROM notification_deliveries d JOIN messages m ON m.id = d.message_id
    WHERE d.channel = 'IN_APP' AND (d.outcome = 'SENT' OR d.reason = 'READ') AND d.user_id <> m.author_id`,
  limits: `SELECT count(DISTINCT m.id)::integer AS count FROM notifications n JOIN messages m ON m.id = n.message_id
    WHERE n.user_id <> m.sender_user_id`,
} as const satisfies Partial<Record<DatabaseName, string>>;

/** Whom parley's notifier has not come to in time, and of how much nobody was told. */
export async function findUntold(databases: Databases, notifier: boolean): Promise<string[]> {
  const late = notifier ? await awaitNotifier(databases) : [];
  const names = notifier ? (['parley', 'limits'] as const) : (['limits'] as const);
  const untold = await Promise.all(
    names.map(async (name) => {
      const [sent, told] = [
        await databases.countSent(name),
        await databases.count(name, TOLD[name]),
      ];
      return sent === told ? [] : [`${name}: ${sent} messages sent, of ${told} somebody was told`];
    }),
  );
  return [...late, ...untold.flat()];
}

/** It works in the background, so what was sent last may not have been told yet. */
async function awaitNotifier(databases: Databases): Promise<string[]> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const behind = await databases.count('parley', BEHIND);
    if (behind === 0) return [];
    if (performance.now() > end)
      return [
        `the notifier is behind with ${behind} people ${PATIENCE_MS / 1_000} s after the end`,
      ];
    await sleep(LOOK_EVERY_MS);
  }
}
