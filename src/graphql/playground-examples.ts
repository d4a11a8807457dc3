import { randomUUID } from 'node:crypto';
import type { PlaygroundTab } from './playground.js';

const INBOX = `# Who you are, what is unread, and your conversations.
# Your token stands under Headers, for subscriptions too.
query Inbox {
  viewer {
    user { id displayName }
    unreadMessageCount
    unreadThreadCount
    cursor
  }
  threads(first: 20) {
    nodes {
      id
      tripId
      status
      unreadCount
      participants {
        role
        lastReadSequence
        user { id displayName isOnline }
      }
      lastMessage {
        sequence
        sender { displayName }
        body
        sentAt
        status
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`;

const SEND = `# Run it twice as it is: still one message, known by its
# clientMessageId. For another message, change that as well.
mutation SendMessage($input: SendMessageInput!) {
  sendMessage(input: $input) {
    deduplicated
    message { id sequence body sentAt status clientMessageId }
  }
}
`;

const WATCH = `# Leave it running, send from another window and see it
# arrive; the newest event stands first.
# With a cursor as \`after\`, what was missed comes first.
subscription WatchLive($after: String) {
  inboxEvents(after: $after) {
    __typename
    cursor
    at
    unreadMessageCount
    unreadThreadCount
    ... on MessageAdded {
      thread { id }
      message {
        sequence
        sender { id displayName }
        body
        sentAt
      }
    }
    ... on MessageRead {
      thread { id }
      reader { id displayName }
      upToSequence
      readAt
    }
  }
}
`;

const HISTORY = `# The newest page, oldest first inside it. With startCursor
# as \`before\` comes the page above.
query History($threadId: ID!, $before: String) {
  messages(filter: { threadId: $threadId }, last: 20, before: $before) {
    nodes {
      sequence
      sender { id displayName }
      body
      messageType
      sentAt
      status
      readAt
    }
    pageInfo { hasPreviousPage startCursor }
  }
}
`;

/** What the playground opens with; without a thread the ids are left to be filled in. */
export function exampleTabs(token?: string, threadId = ''): PlaygroundTab[] {
  const headers = JSON.stringify({ authorization: `Bearer ${token ?? '<token>'}` }, null, 2);
  const tab = (title: string, query: string, variables?: object): PlaygroundTab => ({
    title,
    query,
    headers,
    ...(variables && { variables: JSON.stringify(variables, null, 2) }),
  });
  const input = {
    threadId,
    body: 'See you at 9 by the fountain.',
    clientMessageId: randomUUID(),
  };
  return [
    tab('Inbox', INBOX),
    tab('SendMessage', SEND, { input }),
    tab('WatchLive', WATCH, { after: null }),
    tab('History', HISTORY, { threadId, before: null }),
  ];
}
