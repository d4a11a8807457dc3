import { MessageType } from '../generated/prisma/enums.js';
import type { MessageSelection } from './message-rows.js';

type Value = string | number | boolean | null;

/** A page's conditions; each set of them is a statement of its own, so that each gets the plan that fits it. */
export class PageQuery {
  readonly values: Value[];
  readonly #shape: string[];
  #conditions = '';

  constructor(values: readonly Value[], kind: string) {
    this.values = [...values];
    this.#shape = ['messages', kind];
  }

  get conditions(): string {
    return this.#conditions;
  }

  name(backwards: boolean): string {
    return [...this.#shape, backwards ? 'back' : 'forth'].join('_');
  }

  require(name: string, condition: (bind: (value: Value) => string) => string): void {
    this.#shape.push(name);
    this.#conditions += ` AND ${condition((value) => `$${this.values.push(value)}`)}`;
  }

  /** @param isUnread the condition that a message is above the viewer's marker, of others and still there */
  select({ senderUserId, messageType, unread }: MessageSelection, isUnread: string): void {
    if (typeof senderUserId === 'string')
      this.require(
        'sender',
        (bind) => `m.author_id = ${bind(senderUserId)} AND m.message_type <> 'SYSTEM'`,
      );
    if (typeof messageType === 'string')
      // Written out, and in the statement's name: only then a partial index can be chosen for it.
      this.require(
        MessageType[messageType],
        () => `m.message_type = '${MessageType[messageType]}'`,
      );
    if (typeof unread === 'boolean')
      this.require(unread ? 'unread' : 'read', () => (unread ? isUnread : `NOT (${isUnread})`));
  }
}
