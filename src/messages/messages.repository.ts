import { Injectable } from '@nestjs/common';
import type { Viewer } from '../auth/viewer.js';
import { isModerator } from '../auth/viewer.js';
import type { Detail, Page } from '../database/columns.js';
import type { SqlValue } from '../database/database.js';
import { Database } from '../database/database.js';
import { arrayOf, firstRows, statementName, StatementTexts } from '../database/statement.js';
import type { Window } from '../page-window.js';
import { MOST_ROWS } from '../page-window.js';
import { FreshReads } from '../inbox/fresh-reads.js';
import type { Hints } from '../inbox/inbox.service.js';
import type { MessageColumns } from './message-columns.js';
import { selectMessages, toMessages } from './message-columns.js';
import type { MessageRow, MessageSelection, MessageVersionRow } from './message-rows.js';
import { PageQuery } from './page-query.js';
import { inOrder, selectStandings, toReaders } from './readers.js';
import { putReceipts } from './receipts.js';
import type { Send, Sent, SentBatch } from './send.js';
import { toArrays, toBatch, toParameters } from './send.js';
import { pageOfAll, pageOfOwn } from './viewer-pages.js';

const VISIBLE = selectMessages(
  `SELECT m.* FROM messages m WHERE m.id = ANY (${arrayOf('$2', 'uuid')})
     AND ($3 OR EXISTS (SELECT FROM participants v WHERE v.thread_id = m.thread_id AND v.user_id = $1))`,
);
const BY_PLACE = selectMessages(
  `SELECT m.* FROM unnest(${arrayOf('$1', 'uuid')}, ${arrayOf('$2', 'integer')}) AS place (thread_id, sequence)
   JOIN messages m ON m.thread_id = place.thread_id AND m.sequence = place.sequence`,
);

/** $1 the thread. Without a filter, a page of it is a stretch. */
const STANDINGS_OF_PAGE = selectStandings(
  `(SELECT 1 AS stretch, $1::uuid AS thread_id, least(page."sequence"[1], page."sequence"[cardinality(page."sequence")]) AS low,
      greatest(page."sequence"[1], page."sequence"[cardinality(page."sequence")]) AS high) AS s`,
);

const SEND_ONE = 'SELECT send_message($1, $2, $3, $4, $5, $6, $7, $8) AS sent';
const SEND_MANY = 'SELECT send_messages($1, $2, $3, $4, $5, $6, $7, $8) AS sent';

@Injectable()
export class MessagesRepository {
  readonly #pages = new StatementTexts();

  constructor(
    private readonly database: Database,
    private readonly freshReads: FreshReads,
  ) {}

  /** Those of these messages that the viewer may see. */
  async findVisible(
    viewer: Viewer,
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, MessageRow>> {
    const { page } = await this.database.readRow<Page<MessageColumns>>(
      'messages_visible',
      VISIBLE,
      [viewer.userId, ids, isModerator(viewer)],
    );
    return new Map(toMessages(page).map((row) => [row.id, row]));
  }

  /** The messages at these places (`thread:sequence`). The caller has been given the threads already. */
  async findByPlaces(places: readonly string[]): Promise<ReadonlyMap<string, MessageRow>> {
    const parts = places.map((place) => place.split(':'));
    const { page } = await this.database.readRow<Page<MessageColumns>>(
      'messages_by_place',
      BY_PLACE,
      [parts.map(([threadId = '']) => threadId), parts.map(([, sequence]) => Number(sequence))],
    );
    return new Map(toMessages(page).map((row) => [`${row.threadId}:${row.sequence}`, row]));
  }

  /**
   * A page of one thread by sequence; one row more than asked for tells that there is more.
   * @param standings whether it is read with the receipts; only without a filter
   */
  findPageOfThread(
    viewer: Viewer,
    threadId: string,
    selection: MessageSelection,
    window: Window<number>,
    detail: Detail = 'whole',
    standings = false,
  ): Promise<MessageRow[]> {
    const query = new PageQuery(
      [threadId, viewer.userId, isModerator(viewer), window.limit + 1],
      'thread',
    );
    if (window.after !== null)
      query.require('after', (bind) => `m.sequence > ${bind(window.after)}`);
    if (window.before !== null)
      query.require('before', (bind) => `m.sequence < ${bind(window.before)}`);
    // Nothing is unread to a service or an admin who is not in the thread.
    query.select(
      selection,
      `m.author_id <> $2 AND m.deleted_at IS NULL AND m.sequence >
         coalesce((SELECT r.last_read_sequence FROM participants r WHERE r.thread_id = $1 AND r.user_id = $2), 2147483647)`,
    );
    return this.#page(
      viewer,
      detail,
      query.name(window.backwards),
      firstRows(
        `SELECT m.* FROM messages m
         WHERE m.thread_id = $1 AND ($3 OR EXISTS (SELECT FROM participants v WHERE v.thread_id = $1 AND v.user_id = $2))
           ${query.conditions} ORDER BY m.sequence ${window.backwards ? 'DESC' : 'ASC'}`,
        '$4',
        MOST_ROWS,
      ),
      query.values,
      threadId.toLowerCase(),
      standings ? STANDINGS_OF_PAGE : undefined,
    );
  }

  /** A page over all threads of the viewer (all threads for a service or an admin), by id, which is by time. */
  findPageOfViewer(
    viewer: Viewer,
    selection: MessageSelection,
    window: Window<string>,
    detail: Detail = 'whole',
  ): Promise<MessageRow[]> {
    // What is unread to a service or an admin is in the threads that they are in themselves.
    const pageOf = isModerator(viewer) && selection.unread !== true ? pageOfAll : pageOfOwn;
    const { query, rows } = pageOf(viewer.userId, selection, window);
    return this.#page(viewer, detail, query.name(window.backwards), rows, query.values);
  }

  async #page(
    viewer: Viewer,
    detail: Detail,
    name: string,
    rows: string,
    values: readonly SqlValue[],
    ofThread?: string,
    standings?: string,
  ): Promise<MessageRow[]> {
    const statement = statementName(name, detail, standings && 'receipts');
    const { page } = await this.freshReads.row<Page<MessageColumns>>(
      viewer,
      statement,
      this.#pages.textOf(statement, () =>
        selectMessages(rows, detail, ofThread !== undefined, standings && `(${standings})`),
      ),
      values,
    );
    const messages = toMessages(page, ofThread);
    if (page.standings !== undefined) {
      const stretch = inOrder(messages);
      putReceipts(stretch, toReaders([stretch], page.standings)[0] ?? []);
    }
    return messages;
  }

  /** What these messages said before, oldest first. Only for those who may know: see MessagesService. */
  async findVersions(
    messageIds: readonly string[],
  ): Promise<ReadonlyMap<string, MessageVersionRow[]>> {
    const rows = await this.database.rows<MessageVersionRow>(
      'message_versions',
      `SELECT message_id AS "messageId", body, latitude, longitude, location_label AS "locationLabel",
         system_code AS "systemCode", system_params AS "systemParams", replaced_by AS "replacedById", replaced_at AS "replacedAt"
       FROM message_versions WHERE message_id = ANY (${arrayOf('$1', 'uuid')}) ORDER BY message_id, version`,
      [messageIds],
    );
    const byMessage = new Map<string, MessageVersionRow[]>(messageIds.map((id) => [id, []]));
    for (const row of rows) byMessage.get(row.messageId)?.push(row);
    return byMessage;
  }

  /** @param sends no two of the same author and clientMessageId; the outcomes are in their order */
  async send(sends: readonly Send[]): Promise<SentBatch> {
    // One alone costs the database a third less by a function of its own.
    const isAlone = sends.length === 1;
    const { sent } = await this.database.row<{ sent: Sent }>(
      isAlone ? 'send_message' : 'send_messages',
      isAlone ? SEND_ONE : SEND_MANY,
      isAlone ? toParameters(sends[0] as Send) : toArrays(sends),
    );
    return toBatch(sent);
  }

  edit(
    viewer: Viewer,
    messageId: string,
    body: string,
  ): Promise<{ outcome: string; hints: Hints }> {
    return this.database.row('edit_message', 'SELECT * FROM edit_message($1, $2, $3, $4)', [
      messageId,
      viewer.userId,
      isModerator(viewer),
      body,
    ]);
  }

  delete(viewer: Viewer, messageId: string): Promise<{ outcome: string; hints: Hints }> {
    return this.database.row('delete_message', 'SELECT * FROM delete_message($1, $2, $3, $4)', [
      messageId,
      viewer.userId,
      viewer.isService,
      viewer.isAdmin,
    ]);
  }

  markRead(
    viewer: Viewer,
    threadId: string,
    upTo: number | null,
  ): Promise<{ outcome: string; marked: number; hints: Hints }> {
    return this.database.row('mark_read', 'SELECT * FROM mark_read($1, $2, $3)', [
      threadId,
      viewer.userId,
      upTo,
    ]);
  }

  markDelivered(
    viewer: Viewer,
    threadIds: readonly string[],
    upTo: readonly number[],
  ): Promise<{ outcome: string; hints: Hints }> {
    return this.database.row('mark_delivered', 'SELECT * FROM mark_delivered($1, $2, $3)', [
      viewer.userId,
      threadIds,
      upTo,
    ]);
  }
}
