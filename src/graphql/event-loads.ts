import { Injectable } from '@nestjs/common';
import type { Viewer } from '../auth/viewer.js';
import { AppError, ErrorCode } from '../errors.js';
import type { JournalEvent, JournalKind } from '../inbox/journal-entry.js';
import type { Loaders } from './loaders.js';

/** Loads what an event names as its field does, so that the field finds it loaded. */
type Load = (viewer: Viewer, loaders: Loaders, event: JournalEvent) => Promise<unknown>;

/** What the rooms load for the events of an answer: of many events, one that is gone must not take the others with it. */
@Injectable()
export class EventLoads {
  readonly #loads: { kinds: readonly JournalKind[]; path: readonly string[]; load: Load }[] = [];

  /** @param path of the field that needs it, from the event on */
  add(kinds: readonly JournalKind[], path: readonly string[], load: Load): void {
    this.#loads.push({ kinds, path, load });
  }

  /**
   * The events but for those that name what was deleted, or taken from the viewer, since the journal was read.
   * @param asks whether the operation asks for the field at this path
   */
  async withoutGone(
    events: readonly JournalEvent[],
    asks: (path: readonly string[]) => boolean,
    viewer: Viewer,
    loaders: Loaders,
  ): Promise<JournalEvent[]> {
    const loads = this.#loads.filter(({ path }) => asks(path));
    const areThere = await Promise.all(
      events.map(async (event) => {
        const own = loads.filter(({ kinds }) => kinds.includes(event.kind));
        const ends = await Promise.allSettled(own.map(({ load }) => load(viewer, loaders, event)));
        return !ends.some((end) => end.status === 'rejected' && isNotFound(end.reason));
      }),
    );
    return events.filter((_, index) => areThere[index]);
  }
}

const isNotFound = (error: unknown): boolean =>
  error instanceof AppError && error.code === ErrorCode.NOT_FOUND;
