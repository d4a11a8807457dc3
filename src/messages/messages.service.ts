import { Injectable } from '@nestjs/common';
import type { Viewer } from '../auth/viewer.js';
import { isModerator } from '../auth/viewer.js';
import type { Detail } from '../database/columns.js';
import { AppError, badInput, ErrorCode, notFound } from '../errors.js';
import type { Window } from '../page-window.js';
import type { Hints } from '../inbox/inbox.service.js';
import { InboxService } from '../inbox/inbox.service.js';
import { RateLimits } from '../rate-limits/rate-limits.js';
import { requireModerator, ThreadAccess } from '../threads/thread-access.js';
import type { DraftContent, MessageContent } from './message-content.js';
import { requireContent, requireSystemContent, requireText } from './message-content.js';
import type { MessageRow, MessageSelection, MessageVersionRow, ReaderRow } from './message-rows.js';
import { MessagesRepository } from './messages.repository.js';
import { ReadersRepository } from './readers.repository.js';
import { putReceipts } from './receipts.js';
import { asStored } from './send.js';
import { SendQueue } from './send-queue.js';

/** What the writing functions refuse, in the words of the API. */
const REFUSALS: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  FORBIDDEN: [ErrorCode.FORBIDDEN, 'The message is somebody else’s.'],
  CONFLICT: [ErrorCode.CONFLICT, 'This clientMessageId has been used for another message.'],
  THREAD_ARCHIVED: [ErrorCode.THREAD_ARCHIVED, 'The thread is archived: make it ACTIVE to write.'],
  THREAD_BLOCKED: [ErrorCode.THREAD_BLOCKED, 'The thread is blocked.'],
  REPLY_NOT_FOUND: [
    ErrorCode.NOT_FOUND,
    'The message that is replied to was not found in this thread.',
  ],
  NOT_TEXT: [ErrorCode.BAD_USER_INPUT, 'Only TEXT messages can be edited.'],
  DELETED: [ErrorCode.CONFLICT, 'The message has been deleted.'],
};

export interface SentMessage {
  readonly message: MessageRow;
  readonly deduplicated: boolean;
}

@Injectable()
export class MessagesService {
  constructor(
    private readonly messages: MessagesRepository,
    private readonly readers: ReadersRepository,
    private readonly queue: SendQueue,
    private readonly access: ThreadAccess,
    private readonly inbox: InboxService,
    private readonly limits: RateLimits,
  ) {}

  /** @throws AppError NOT_FOUND, for a message that is not there and for one that is not the viewer's alike */
  async find(viewer: Viewer, id: string): Promise<MessageRow> {
    const message = (await this.messages.findVisible(viewer, [id])).get(id.toLowerCase());
    if (message === undefined) throw notFound('Message');
    return message;
  }

  findVisible(viewer: Viewer, ids: readonly string[]): Promise<ReadonlyMap<string, MessageRow>> {
    return this.messages.findVisible(viewer, ids);
  }

  /** Of threads that the caller has been given by ThreadAccess. */
  findByPlaces(places: readonly string[]): Promise<ReadonlyMap<string, MessageRow>> {
    return this.messages.findByPlaces(places);
  }

  /** Of messages that the caller has been given. */
  readersOf(
    messages: readonly MessageRow[],
  ): Promise<ReadonlyMap<MessageRow, readonly ReaderRow[]>> {
    return this.readers.find(messages);
  }

  /**
   * What messages said before, for moderation and disputes.
   * @throws AppError FORBIDDEN for everybody but services and admins
   */
  versionsOf(
    viewer: Viewer,
    messageIds: readonly string[],
  ): Promise<ReadonlyMap<string, MessageVersionRow[]>> {
    requireModerator(viewer);
    return this.messages.findVersions(messageIds);
  }

  /** @param receipts whether the rows have what the fields that come from receipts show */
  async findPageOfThread(
    viewer: Viewer,
    threadId: string,
    selection: MessageSelection,
    window: Window<number>,
    detail?: Detail,
    receipts = false,
  ): Promise<MessageRow[]> {
    const isFiltered = Object.values(selection).some((each) => each != null);
    const find = (standings: boolean): Promise<MessageRow[]> =>
      this.messages.findPageOfThread(viewer, threadId, selection, window, detail, standings);
    // Without a filter, one statement gives both.
    return receipts && isFiltered ? this.#withReceipts(await find(false)) : find(receipts);
  }

  /** @param receipts whether the rows have what the fields that come from receipts show */
  async findPageOfViewer(
    viewer: Viewer,
    selection: MessageSelection,
    window: Window<string>,
    detail?: Detail,
    receipts = false,
  ): Promise<MessageRow[]> {
    const rows = await this.messages.findPageOfViewer(viewer, selection, window, detail);
    return receipts ? this.#withReceipts(rows) : rows;
  }

  /** A person's message. The thread's access, status and the clientMessageId are decided under its lock, in SQL. */
  async send(
    viewer: Viewer,
    threadId: string,
    draft: DraftContent,
    clientMessageId: string,
  ): Promise<SentMessage> {
    if (viewer.isService)
      throw new AppError(ErrorCode.FORBIDDEN, 'A service sends with sendSystemMessage.');
    await this.limits.requireSend(viewer);
    return this.#send(viewer, threadId, requireContent(draft), clientMessageId);
  }

  async sendSystem(
    viewer: Viewer,
    threadId: string,
    system: {
      body: string;
      code: string | null;
      params: readonly { key: string; value: string }[];
    },
    clientMessageId: string,
  ): Promise<SentMessage> {
    if (!viewer.isService) {
      await this.access.requireVisible(viewer, threadId);
      throw new AppError(ErrorCode.FORBIDDEN, 'Only a service sends system messages.');
    }
    return this.#send(
      viewer,
      threadId,
      requireSystemContent(system.body, system.code, system.params),
      clientMessageId,
    );
  }

  async edit(viewer: Viewer, messageId: string, body: string): Promise<MessageRow> {
    requireText(body);
    await this.limits.requireSend(viewer);
    this.#accept(await this.messages.edit(viewer, messageId, body), 'Message');
    return this.find(viewer, messageId);
  }

  async delete(viewer: Viewer, messageId: string): Promise<MessageRow> {
    this.#accept(await this.messages.delete(viewer, messageId), 'Message');
    return this.find(viewer, messageId);
  }

  /** @returns how many messages of others this marked */
  async markThreadRead(viewer: Viewer, threadId: string, upTo: number | null): Promise<number> {
    await this.access.requireParticipant(viewer, threadId);
    // No message is there to be seen, nor to be told of as the one that was read up to.
    if (upTo === 0) return 0;
    const result = await this.messages.markRead(viewer, threadId, upTo);
    this.#accept(result, 'Thread');
    return result.marked;
  }

  async markDelivered(
    viewer: Viewer,
    moves: readonly { threadId: string; upToSequence: number }[],
  ): Promise<void> {
    if (moves.length === 0) throw badInput('threads must name at least one thread.');
    const result = await this.messages.markDelivered(
      viewer,
      moves.map(({ threadId }) => threadId),
      moves.map(({ upToSequence }) => upToSequence),
    );
    if (result.outcome === 'NOT_FOUND' && isModerator(viewer))
      for (const { threadId } of moves) await this.access.requireParticipant(viewer, threadId);
    this.#accept(result, 'Thread');
  }

  async #withReceipts(messages: MessageRow[]): Promise<MessageRow[]> {
    const readers = await this.readersOf(messages);
    putReceipts(
      messages,
      messages.map((message) => readers.get(message) ?? []),
    );
    return messages;
  }

  async #send(
    viewer: Viewer,
    threadId: string,
    content: MessageContent,
    clientMessageId: string,
  ): Promise<SentMessage> {
    const send = { authorId: viewer.userId, threadId, content, clientMessageId };
    const sent = await this.queue.send(send);
    if (sent.outcome === 'NOT_FOUND' && isModerator(viewer))
      await this.access.requireParticipant(viewer, threadId);
    requireOk(sent.outcome, 'Thread');
    if (sent.outcome === 'DEDUPLICATED')
      return { message: await this.find(viewer, sent.id), deduplicated: true };
    return { message: asStored(send, sent), deduplicated: false };
  }

  #accept({ outcome, hints }: { outcome: string; hints: Hints }, what: string): void {
    requireOk(outcome, what);
    this.inbox.announce(hints);
  }
}

function requireOk(outcome: string, what: string): void {
  if (outcome === 'NOT_FOUND') throw notFound(what);
  const refusal = REFUSALS[outcome];
  if (refusal !== undefined) throw new AppError(...refusal);
}
