import { registerEnumType } from '@nestjs/graphql';
import { ErrorCode } from '../errors.js';

registerEnumType(ErrorCode, {
  name: 'ErrorCode',
  description: 'extensions.code of every error this API gives, on HTTP and on WebSocket alike.',
  valuesMap: {
    UNAUTHENTICATED: { description: 'No token, or one that is not valid or has expired.' },
    FORBIDDEN: { description: 'The viewer may see it but not do this with it.' },
    NOT_FOUND: {
      description: 'It does not exist, or the viewer may not see it: the answer is the same.',
    },
    BAD_USER_INPUT: {
      description: 'An argument or a variable is not what it should be; the message names it.',
    },
    CONFLICT: {
      description:
        'It contradicts what is stored, for example another message under the same clientMessageId.',
    },
    THREAD_ARCHIVED: {
      description: 'The thread takes no messages of people until it is ACTIVE again.',
    },
    THREAD_BLOCKED: { description: 'The thread takes no messages until the block is lifted.' },
    MESSAGE_TOO_LONG: { description: 'The body has more characters than extensions.limit allows.' },
    RESYNC_REQUIRED: {
      description:
        'The journal no longer reaches back to the cursor: fetch afresh and take viewer.cursor.',
    },
    RATE_LIMITED: {
      description:
        'Too much at once; extensions.retryAfterMs, where present, says when to try again.',
    },
    QUERY_TOO_COMPLEX: { description: 'The operation asks for more than extensions.limit allows.' },
    GRAPHQL_PARSE_FAILED: { description: 'GraphQL’s own: the document is not GraphQL.' },
    GRAPHQL_VALIDATION_FAILED: {
      description: 'GraphQL’s own: the document does not fit the schema.',
    },
    INTERNAL_SERVER_ERROR: {
      description: 'Not the caller’s fault; extensions.correlationId names the log line.',
    },
    SERVICE_UNAVAILABLE: {
      description:
        'Not the caller’s fault and passing, for example the database restarts: try again.',
    },
  },
});
