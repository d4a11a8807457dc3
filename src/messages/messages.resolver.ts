import { Args, Info, Mutation, Query, Resolver } from '@nestjs/graphql';
import type { GraphQLResolveInfo } from 'graphql';
import { CurrentViewer } from '../auth/current-viewer.js';
import type { Viewer } from '../auth/viewer.js';
import { CurrentLoaders, Loaders } from '../graphql/loaders.js';
import type { Connection } from '../graphql/paging.js';
import { connectionOf, windowOf } from '../graphql/paging.js';
import { detailFor, fieldsOfNodes } from '../graphql/selection.js';
import { ThreadAccess } from '../threads/thread-access.js';
import { loadThread, threadLoader } from '../threads/thread-fields.resolver.js';
import type { ThreadRow } from '../threads/thread-rows.js';
import { PLAIN_MESSAGE_FIELDS } from './message-columns.js';
import { cursorsOfThread, cursorsOfViewer } from './message-cursors.js';
import { ChatMessage, ChatMessageConnection } from './message.model.js';
import {
  DeleteMessageInput,
  EditMessageInput,
  MarkDeliveredInput,
  MarkMessageReadInput,
  MarkThreadReadInput,
  MessageArgs,
  MessagesArgs,
  SendMessageInput,
  SendSystemMessageInput,
} from './messages.inputs.js';
import {
  DeleteMessagePayload,
  EditMessagePayload,
  MarkDeliveredPayload,
  MarkReadPayload,
  SendMessagePayload,
} from './messages.payloads.js';
import type { MessageRow } from './message-rows.js';
import { RECEIPT_FIELDS } from './receipts.js';
import type { SentMessage } from './messages.service.js';
import { MessagesService } from './messages.service.js';

@Resolver(() => ChatMessage)
export class MessagesResolver {
  constructor(
    private readonly messagesService: MessagesService,
    private readonly access: ThreadAccess,
  ) {}

  @Query(() => ChatMessage, {
    nullable: true,
    description: 'One message. NOT_FOUND where the viewer may not see it.',
  })
  message(@CurrentViewer() viewer: Viewer, @Args() { id }: MessageArgs): Promise<MessageRow> {
    return this.messagesService.find(viewer, id);
  }

  @Query(() => ChatMessageConnection, {
    description:
      'Inside one thread: by sequence, oldest first in a page. Without threadId: over all the viewer’s threads (an admin’s or a service’s: all), newest activity last in a page.',
  })
  async messages(
    @CurrentViewer() viewer: Viewer,
    @Args() args: MessagesArgs,
    @CurrentLoaders() loaders: Loaders,
    @Info() info: GraphQLResolveInfo,
  ): Promise<Connection<MessageRow>> {
    const { threadId, ...selection } = args.filter;
    const fields = fieldsOfNodes(info);
    const detail = detailFor(fields, PLAIN_MESSAGE_FIELDS);
    // Where the list shows them, they are read with it.
    const receipts = RECEIPT_FIELDS.some((name) => fields?.has(name));
    if (typeof threadId !== 'string') {
      const cursors = cursorsOfViewer(viewer, selection);
      const window = windowOf(args, cursors);
      const find = (): Promise<MessageRow[]> =>
        this.messagesService.findPageOfViewer(viewer, selection, window, detail, receipts);
      let rows = await find();
      // Once more: who takes threads away all the time is told so by the field.
      if (fields?.has('thread') === true && !(await this.#haveThreads(rows, viewer, loaders))) {
        loaders.clear();
        rows = await find();
      }
      return connectionOf(window, rows, cursors);
    }
    const cursors = cursorsOfThread(threadId, selection);
    const window = windowOf(args, cursors);
    const rows = await this.messagesService.findPageOfThread(
      viewer,
      threadId,
      selection,
      window,
      detail,
      receipts,
    );
    // The page is the viewer's own, so an empty one alone leaves open whether the thread is.
    if (rows.length === 0) await this.access.requireVisible(viewer, threadId);
    return connectionOf(window, rows, cursors);
  }

  /** Loaded for the field as well. False where one was deleted, or taken from the viewer, since the page was read. */
  async #haveThreads(
    rows: readonly MessageRow[],
    viewer: Viewer,
    loaders: Loaders,
  ): Promise<boolean> {
    const ids = [...new Set(rows.map(({ threadId }) => threadId))];
    const threads = await threadLoader(this.access, viewer, loaders).loadMany(ids);
    return !threads.includes(null);
  }

  @Mutation(() => SendMessagePayload, {
    description:
      'TEXT, IMAGE, FILE or LOCATION by a participant. The same clientMessageId by the same sender is the same message: the first answer again with deduplicated true; with another content CONFLICT.',
  })
  sendMessage(
    @CurrentViewer() viewer: Viewer,
    @Args('input', { description: 'The message.' }) input: SendMessageInput,
  ): Promise<SentMessage> {
    const {
      threadId,
      clientMessageId,
      body = null,
      messageType,
      location,
      replyToMessageId,
    } = input;
    const place =
      location == null
        ? null
        : {
            latitude: location.latitude,
            longitude: location.longitude,
            label: location.label ?? null,
          };
    const draft = {
      body,
      messageType: messageType ?? 'TEXT',
      location: place,
      replyToId: replyToMessageId ?? null,
    } as const;
    return this.messagesService.send(viewer, threadId, draft, clientMessageId);
  }

  @Mutation(() => SendMessagePayload, {
    description:
      'SYSTEM messages, by a service only. clientMessageId makes it idempotent here too.',
  })
  sendSystemMessage(
    @CurrentViewer() viewer: Viewer,
    @Args('input', { description: 'The message.' })
    { threadId, clientMessageId, body, code, params }: SendSystemMessageInput,
  ): Promise<SentMessage> {
    return this.messagesService.sendSystem(
      viewer,
      threadId,
      { body, code: code ?? null, params: params ?? [] },
      clientMessageId,
    );
  }

  @Mutation(() => EditMessagePayload, {
    description:
      'Own TEXT messages, while the thread takes messages. The same text again changes nothing and tells nobody.',
  })
  async editMessage(
    @CurrentViewer() viewer: Viewer,
    @Args('input', { description: 'The message and its new text.' })
    { messageId, body }: EditMessageInput,
  ): Promise<{ message: MessageRow }> {
    return { message: await this.messagesService.edit(viewer, messageId, body) };
  }

  @Mutation(() => DeleteMessagePayload, {
    description:
      'Own messages (an admin: any). A tombstone stays: sequence, sender and times, no body.',
  })
  async deleteMessage(
    @CurrentViewer() viewer: Viewer,
    @Args('input', { description: 'The message.' }) { messageId }: DeleteMessageInput,
  ): Promise<{ message: MessageRow }> {
    return { message: await this.messagesService.delete(viewer, messageId) };
  }

  @Mutation(() => MarkReadPayload, {
    description:
      'Marks the message and everything before it in its thread as read by the viewer. Reading what is read moves nothing and tells nobody; only receipts that it reads are told to the viewer’s devices.',
  })
  async markMessageRead(
    @CurrentViewer() viewer: Viewer,
    @Args('input', { description: 'The message.' }) { messageId }: MarkMessageReadInput,
  ): Promise<{ thread: ThreadRow; markedCount: number }> {
    const { threadId, sequence } = await this.messagesService.find(viewer, messageId);
    return this.#markRead(viewer, threadId, sequence);
  }

  @Mutation(() => MarkReadPayload, {
    description:
      'Marks the thread as read up to and including a sequence (all of it unless told). Works in archived and blocked threads too.',
  })
  markThreadRead(
    @CurrentViewer() viewer: Viewer,
    @Args('input', { description: 'The thread, and how far.' })
    { threadId, upToSequence }: MarkThreadReadInput,
  ): Promise<{ thread: ThreadRow; markedCount: number }> {
    return this.#markRead(viewer, threadId, upToSequence ?? null);
  }

  @Mutation(() => MarkDeliveredPayload, {
    description:
      'Tells that the viewer’s client has received threads up to these sequences; at most 100 at once.',
  })
  async markDelivered(
    @CurrentViewer() viewer: Viewer,
    @CurrentLoaders() loaders: Loaders,
    @Args('input', { description: 'The threads, and how far.' }) { threads }: MarkDeliveredInput,
  ): Promise<{ threads: ThreadRow[] }> {
    await this.messagesService.markDelivered(viewer, threads);
    return {
      threads: await Promise.all(
        threads.map(({ threadId }) =>
          loadThread(this.access, viewer, loaders, threadId.toLowerCase()),
        ),
      ),
    };
  }

  async #markRead(
    viewer: Viewer,
    threadId: string,
    upTo: number | null,
  ): Promise<{ thread: ThreadRow; markedCount: number }> {
    const markedCount = await this.messagesService.markThreadRead(viewer, threadId, upTo);
    return { thread: await this.access.requireVisible(viewer, threadId), markedCount };
  }
}
