import type { TokenClaims } from './app.js';
import type { Everything } from './everything.js';
import { ADMIN, PLATFORM } from './seeds.js';

export const NOWHERE = '0193a7a0-0000-7000-8000-000000000000';

export interface Caller {
  readonly sub: string;
  readonly claims?: TokenClaims;
}
export const ANN: Caller = { sub: 'ann' };
/** Somebody who is in the threads and may see everything of them. */
export const ANN_AS_ADMIN: Caller = { sub: 'ann', claims: ADMIN };
export const SERVICE: Caller = { sub: 'platform', claims: PLATFORM };

/** What is asked, the document, its variables, and by whom; ann unless told. */
export const CASES: readonly [
  string,
  string,
  (((seeded: Everything) => unknown) | undefined)?,
  Caller?,
][] = [
  [
    'a fragment',
    '{ viewer { ...F user { ...U } } } fragment F on Viewer { cursor } fragment U on User { id }',
  ],
  [
    'fragments that overlap',
    'query { viewer { user { id } ...A ...B } } fragment A on Viewer { user { displayName id } } fragment B on Viewer { user { avatarUrl } cursor }',
  ],
  ['aliases', '{ a: viewer { b: cursor c: cursor cursor } d: viewer { cursor } }'],
  [
    'the name of a type',
    '{ __typename viewer { __typename user { __typename } } threads { nodes { kind: __typename } } }',
  ],
  [
    'a name and an operation',
    'query Inbox { threads(first: 2) { nodes { id status } pageInfo { hasNextPage } } }',
  ],
  [
    'a default of a variable',
    'query ($n: Int = 2, $f: ThreadFilter = { status: ACTIVE }) { threads(first: $n, filter: $f) { nodes { id } } }',
  ],
  [
    'a default that is overridden',
    'query ($n: Int = 2) { threads(first: $n) { nodes { id } } }',
    () => ({ n: 1 }),
  ],
  [
    'a default that is nulled',
    'query ($n: Int = 2) { threads(first: $n) { nodes { id } } }',
    () => ({ n: null }),
  ],
  [
    'variables that are null or missing',
    'query ($n: Int, $a: String, $f: ThreadFilter) { threads(first: $n, after: $a, filter: $f) { nodes { id } } }',
    () => ({ n: null, f: null }),
  ],
  ['a variable that nobody asked for', '{ viewer { cursor } }', () => ({ x: 1 })],
  [
    'enums as literals and variables',
    'query ($s: ThreadStatus) { a: threads(filter: { status: $s }) { nodes { status } } b: threads(filter: { status: BLOCKED }) { nodes { status } } }',
    () => ({ s: 'ACTIVE' }),
  ],
  [
    'an input of several parts',
    'query ($f: MessageFilter!, $l: Int) { messages(filter: $f, last: $l) { edges { cursor node { body messageType } } } }',
    (seeded) => ({ f: { threadId: seeded.threadId, messageType: 'TEXT', unread: null }, l: 2 }),
  ],
  [
    'a variable inside an input',
    'query ($id: ID!) { messages(filter: { threadId: $id }) { nodes { sequence } } }',
    (seeded) => ({ id: seeded.threadId }),
  ],
  [
    'an id in another case',
    'query ($id: ID!) { thread(id: $id) { id } }',
    (seeded) => ({ id: seeded.threadId.toUpperCase() }),
  ],
  [
    'what is skipped',
    'query ($y: Boolean!, $n: Boolean = false) { viewer { cursor @skip(if: $y) unreadMessageCount @include(if: $n) user @include(if: $y) { id @skip(if: true) displayName } ... @include(if: $n) { unreadThreadCount } ...F @skip(if: $n) } } fragment F on Viewer { unreadNotificationCount }',
    () => ({ y: true }),
  ],
  [
    'what is not skipped',
    'query ($y: Boolean!, $n: Boolean = false) { viewer { cursor @skip(if: $y) unreadMessageCount @include(if: $n) } }',
    () => ({ y: false, n: true }),
  ],
  ['nothing but what is skipped', '{ viewer @skip(if: true) { cursor } }'],
  [
    'an empty list',
    'query ($id: ID!) { thread(id: $id) { lastMessage { id } messages { nodes { id } edges { cursor } pageInfo { startCursor hasNextPage } } } }',
    (seeded) => ({ id: seeded.emptyId }),
  ],
  ['a page of none', '{ threads(first: 0) { nodes { id } pageInfo { hasNextPage endCursor } } }'],
  [
    'events of all kinds',
    'query ($a: String) { sync(after: $a, first: 200) { hasMore events { cursor ... on MessageAdded { message { body } thread { id } } ... on MessageRead { upToMessage { id } reader { id } } ... on ThreadRemoved { threadId } ...U } } } fragment U on MessageUpdated { message { editedAt deletedAt } }',
    (seeded) => ({ a: seeded.start }),
  ],
  [
    'a service',
    '{ viewer { cursor user { id } unreadMessageCount } threads(first: 3) { nodes { id unreadCount viewerCanSend } } }',
    undefined,
    SERVICE,
  ],
  [
    'NOT_FOUND at the root',
    '{ thread(id: "' + NOWHERE + '") { id } viewer { unreadThreadCount } }',
  ],
  [
    'NOT_FOUND on a line of its own',
    'query Thread(\r\n  $id: ID!\r\n) {\r\n  viewer { cursor }\r\n  there: thread(id: $id) {\r\n    id\r\n  }\r\n}\r\n',
    () => ({ id: NOWHERE }),
  ],
  [
    'NOT_FOUND after line ends of all kinds',
    `{\r  viewer { cursor }\n\n\r\n  thread(id: "${NOWHERE}") { id } }`,
  ],
  [
    'NOT_FOUND after what is not ASCII',
    `# 😀 é\n{ a: viewer { cursor } # 😀\n  thread(id: "${NOWHERE}") { id } }`,
  ],
  [
    'NOT_FOUND of a list that cannot be null',
    '{ viewer { cursor } messages(filter: { threadId: "' + NOWHERE + '" }) { nodes { id } } }',
  ],
  [
    'an error that nulls what is around it',
    'query ($id: ID!) { thread(id: $id) { id lastMessage { id versions { body } } } viewer { cursor } }',
    (seeded) => ({ id: seeded.threadId }),
  ],
  [
    'an error in a fragment',
    'query ($id: ID!) {\n thread(id: $id) { ...F } }\nfragment F on ChatThread {\n  lastMessage { v: versions { body } }\n}',
    (seeded) => ({ id: seeded.threadId }),
  ],
  [
    'an error that nulls everything',
    'query ($id: ID!) { messages(filter: { threadId: $id }, first: 1) { nodes { id versions { body } } } }',
    (seeded) => ({ id: seeded.threadId }),
  ],
  [
    'an error in each of a list',
    'query ($id: ID!) { thread(id: $id) { id messages { nodes { id versions { body } } } } }',
    (seeded) => ({ id: seeded.threadId }),
  ],
  [
    'a nested argument that is wrong',
    'query ($id: ID!) { thread(id: $id) { id messages(first: 101) { nodes { id } } } }',
    (seeded) => ({ id: seeded.threadId }),
  ],
  ['BAD_USER_INPUT for a page', '{ threads(first: 101) { nodes { id } } }'],
  ['BAD_USER_INPUT for an id', 'query ($id: ID!) { thread(id: $id) { id } }', () => ({ id: 5 })],
  ['BAD_USER_INPUT for a cursor', '{ threads(after: "c2VxdWVuY2U6MQ") { nodes { id } } }'],
  [
    'FORBIDDEN in a query',
    '{ viewer { cursor notificationPreferences { timeZone } } }',
    undefined,
    SERVICE,
  ],
  [
    'FORBIDDEN in a mutation',
    'mutation { upsertUsers(input: { users: [{ id: "ben" }] }) { users { id } } }',
  ],
];
