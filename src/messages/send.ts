import type { Instant } from '../instants.js';
import type { MessageContent } from './message-content.js';

/** What somebody says, on its way to be stored. */
export interface Send {
  readonly authorId: string;
  readonly threadId: string;
  readonly content: MessageContent;
  readonly clientMessageId: string;
}

/** What became of it. */
export interface SendOutcome {
  readonly outcome: string;
  readonly deduplicated: boolean;
  readonly id: string;
  readonly sequence: number;
  readonly sentAt: Instant;
  /** As others see the sender, whatever the token says. */
  readonly senderDisplayName: string | null;
  readonly senderAvatarUrl: string | null;
}

/** As the SQL function send_messages names them; what is missing is null there. */
export const toParameters = ({
  authorId,
  threadId,
  content: { messageType, body, location, system, replyToId, digest },
  clientMessageId,
}: Send): object => ({
  thread: threadId,
  author: authorId,
  type: messageType,
  body,
  ...location,
  ...system,
  reply_to: replyToId,
  client_id: clientMessageId,
  digest,
});
