import { decodeCursor, encodeCursor } from '../graphql/paging.js';
import type { MessageRow } from './message-rows.js';

/** The place of a message in a page of its thread. */
export const sequenceCursor = ({ sequence }: MessageRow): string =>
  encodeCursor('sequence', sequence);

/** @throws AppError BAD_USER_INPUT */
export const parseSequenceCursor = (cursor: string): number =>
  Number(decodeCursor('sequence', /^(\d{1,10})$/, cursor)[0]);

/** The place of a message in a page over several threads. */
export const idCursor = ({ id }: MessageRow): string => encodeCursor('message', id);

/** @throws AppError BAD_USER_INPUT */
export const parseIdCursor = (cursor: string): string =>
  decodeCursor('message', /^([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/, cursor)[0] ?? '';
