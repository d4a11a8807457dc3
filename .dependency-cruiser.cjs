const ROOMS = ['threads', 'messages', 'notifications', 'users', 'presence'];
const CELLAR = [
  'auth',
  'database',
  'events',
  'graphql',
  'health',
  'inbox',
  'rate-limits',
  'redis',
  'verify',
];

const folder = (names) => `^src/(${names.join('|')})/`;
const roomsBut = (...names) => folder(ROOMS.filter((room) => !names.includes(room)));

const PRISMA = '^src/(database|generated)/|node_modules/(@prisma|pg)/';
// What Nest needs for wiring, the names of failures, the text of statements, and the plain enums of the schema: none runs
// a query.
const HARMLESS = [
  '^src/database/database(\\.module|-errors)\\.ts$',
  '^src/database/(columns|statement)\\.ts$',
  '^src/generated/.*enums\\.ts$',
];
const GRAPHQL =
  '^src/graphql/|\\.(resolver|model|inputs|loaders?)\\.ts$|' +
  'node_modules/(graphql|graphql-ws|dataloader|@apollo|@nestjs/(graphql|apollo))/';

const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    rule(
      'no-cycles',
      'Arrows point one way, so no file of ours reaches itself.',
      { pathNot: '^src/generated/' },
      { circular: true },
    ),
    rule(
      'nothing-imports-main',
      'main.ts and start.ts start a server when they are loaded, so nobody loads them for something else.',
      {},
      { path: '^src/(main|start)\\.ts$' },
    ),
    rule(
      'only-the-start-knows-the-whole-app',
      'The table of contents is the top floor: only the start, and the printer of the schema, open it.',
      { path: '^src/', pathNot: '^src/(server|graphql/print-schema)\\.ts$' },
      { path: '^src/app\\.module\\.ts$' },
    ),
    rule(
      'every-folder-has-a-floor',
      'A new folder under src is entered in this file as a room or as part of the cellar.',
      { path: '^src/[^/]+/', pathNot: [folder([...ROOMS, ...CELLAR]), '^src/generated/'] },
      {},
    ),
    rule(
      'the-ground-imports-nothing-of-ours',
      'The configuration and errors.ts are what everything stands on, so they stand on nothing else of ours.',
      { path: '^src/(config[-\\w]*|errors)\\.ts$' },
      { path: '^src/', pathNot: '^src/config-[-\\w]+\\.ts$' },
    ),
    rule(
      'the-event-list-imports-nothing',
      'Events are plain data that every floor may read, so their list imports nothing at all.',
      { path: '^src/events/events\\.ts$' },
      {},
    ),
    rule(
      'cellar-knows-no-room',
      'The cellar carries the rooms and would carry others, so it never asks what is in them.',
      { path: folder(CELLAR), pathNot: '^src/graphql/print-schema\\.ts$' },
      { path: folder(ROOMS) },
    ),
    rule(
      'verify-is-a-stranger',
      'The delivery report talks to a server as any client does, and proves nothing with its own code.',
      { path: '^src/verify/' },
      { path: '^src/', pathNot: '^src/verify/' },
    ),
    rule(
      'inbox-knows-little',
      'The journal stands on auth, database and events alone, so that every room can stand on it.',
      { path: '^src/inbox/' },
      {
        path: '^src/',
        pathNot: '^src/(inbox|auth|database|events|generated)/|^src/(config|errors|instants)\\.',
      },
    ),
    rule(
      'users-knows-no-other-room',
      'People exist before threads do, so users is the lowest room.',
      { path: '^src/users/' },
      { path: roomsBut('users') },
    ),
    rule(
      'threads-knows-only-users',
      'A thread is complete without its messages and notifications; those rooms add to it.',
      { path: '^src/threads/' },
      { path: roomsBut('threads', 'users') },
    ),
    rule(
      'messages-knows-threads-and-users',
      'Messages belong to threads; who is told about them is decided elsewhere.',
      { path: '^src/messages/' },
      { path: roomsBut('messages', 'threads', 'users') },
    ),
    rule(
      'notifications-shows-what-it-tells-of',
      'Notifications are made from the journal alone; only to show them are people, threads and messages asked, which know nothing of it.',
      { path: '^src/notifications/' },
      { path: roomsBut('notifications', 'users', 'threads', 'messages') },
    ),
    rule(
      'presence-only-asks-who-shares-a-thread',
      'Presence needs people, and of threads only the access check.',
      { path: '^src/presence/' },
      {
        path: roomsBut('presence', 'users'),
        pathNot: '^src/threads/(thread-access|threads\\.module)\\.ts$',
      },
    ),
    rule(
      'only-repositories-touch-the-database',
      'Queries live in repositories (and in inbox, database and health), where they are counted.',
      {
        path: '^src/[^/]+/|^src/config',
        pathNot: ['\\.repository\\.ts$', '^src/(inbox|database|health|generated)/'],
      },
      { path: PRISMA, pathNot: HARMLESS },
    ),
    rule(
      'rules-know-no-graphql',
      'Services, repositories and access checks hold the rules, whoever asks and however.',
      { path: '(\\.service|\\.repository|-access|\\.worker)\\.ts$', pathNot: '^src/graphql/' },
      { path: GRAPHQL },
    ),
    rule(
      'repositories-are-private',
      'A room is entered through its service; only its own folder opens its repository.',
      { path: '^src/([^/]+)/' },
      { path: '^src/[^/]+/.*\\.repository\\.ts$', pathNot: '^src/$1/' },
    ),
    rule(
      'sources-do-not-import-builds',
      'dist is made from src, so nothing that makes it may read it.',
      { path: '^(src|test|prisma)/' },
      { path: '^dist/' },
    ),
    rule(
      'sources-do-not-import-tests',
      'The server ships without its tests and scripts.',
      { path: '^src/' },
      { path: '^(test|scripts)/|\\.spec\\.ts$' },
    ),
    rule(
      'the-server-runs-on-dependencies',
      'The server ships without devDependencies, and with nothing that package.json does not name.',
      { path: '^src/', pathNot: '\\.spec\\.ts$' },
      {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['npm', 'type-only'],
      },
    ),
    rule('imports-resolve', 'An import leads somewhere.', {}, { couldNotResolve: true }),
  ],
  options: {
    // Without 'cjs', a local function may be called `require`.
    moduleSystems: ['es6'],
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    // They stand on packages of their own, which are only there once they have been measured.
    exclude: { path: '^test/bench/rivals/' },
    doNotFollow: { path: ['node_modules', '^src/generated/'] },
    enhancedResolveOptions: {
      conditionNames: ['import', 'types', 'node', 'default'],
      exportsFields: ['exports'],
    },
  },
};
