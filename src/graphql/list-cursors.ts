import { hash } from 'node:crypto';
import { badInput } from '../errors.js';
import { LAST_INSTANT } from '../instants.js';
import type { InstantKey } from '../page-window.js';

/** How the place of an item is written in lists of one kind. */
export interface CursorForm<Node, Key> {
  readonly kind: string;
  readonly shape: RegExp;
  partsOf(node: Node): readonly (string | number)[];
  /** @returns undefined where no item can have that place */
  keyOf(parts: readonly string[]): Key | undefined;
}

/** Opaque cursors of one list. They tell by a digest which list that is, so that those of another list or filter are refused. */
export class ListCursors<Node, Key> {
  #start: string | undefined;

  /** @param list whose list it is, and its filter: values that differ for lists that differ */
  constructor(
    private readonly form: CursorForm<Node, Key>,
    private readonly list: readonly unknown[],
  ) {}

  of(node: Node): string {
    return encode(this.#startOfAll() + this.form.partsOf(node).join(':'));
  }

  /** @throws AppError BAD_USER_INPUT */
  parse(cursor: string): Key {
    const start = this.#startOfAll();
    const text = Buffer.from(cursor, 'base64url').toString();
    const match = text.startsWith(start) ? this.form.shape.exec(text.slice(start.length)) : null;
    const key = match === null ? undefined : this.form.keyOf(match.slice(1));
    if (key === undefined || encode(text) !== cursor)
      throw badInput('The cursor is not one of this list.');
    return key;
  }

  /** Made when it is asked for: most clients take the items alone. */
  #startOfAll(): string {
    this.#start ??= `${this.form.kind}:${hash('sha256', JSON.stringify(this.list), 'base64url').slice(0, 8)}:`;
    return this.#start;
  }
}

const encode = (text: string): string => Buffer.from(text).toString('base64url');

const UUID = '[\\da-f]{8}(?:-[\\da-f]{4}){3}-[\\da-f]{12}';

/** For what is ordered by its id. */
export const ID_SHAPE = new RegExp(`^(${UUID})$`);

export const byInstant = <Node>(
  kind: string,
  placeOf: (node: Node) => InstantKey,
): CursorForm<Node, InstantKey> => ({
  kind,
  shape: new RegExp(`^(\\d{1,15}):(${UUID})$`),
  partsOf: (node) => {
    const { at, id } = placeOf(node);
    return [Date.parse(at), id];
  },
  keyOf: ([milliseconds, id = '']) =>
    Number(milliseconds) > LAST_INSTANT
      ? undefined
      : { at: new Date(Number(milliseconds)).toISOString(), id },
});
