import { isForeignId } from '../text.js';
import type { BusEvent } from './events.js';

/** An event between two nodes, as text. */
export const encodeEvent = (nodeId: string, event: BusEvent): string =>
  JSON.stringify([nodeId, event]);

/** @returns null for what is no event: whoever shares the Redis may write into our channels */
export function decodeEvent(text: string): { nodeId: string; event: BusEvent } | null {
  const parts = parse(text);
  if (!Array.isArray(parts)) return null;
  const [nodeId, event] = parts as unknown[];
  if (typeof nodeId !== 'string' || typeof event !== 'object' || event === null) return null;
  const { type, position, userId } = event as Readonly<Record<string, unknown>>;
  if (typeof type !== 'string') return null;
  if (userId !== undefined && !(typeof userId === 'string' && isForeignId(userId))) return null;
  if (type === 'inboxGrew' && !Number.isSafeInteger(position)) return null;
  return { nodeId, event: event as BusEvent };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
