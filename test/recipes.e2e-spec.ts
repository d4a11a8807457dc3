import { readdirSync, readFileSync } from 'node:fs';
import { gql } from '@apollo/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { buildSchema, parse, validate } from 'graphql';
import { Client } from 'pg';
import { requestSubscription } from 'relay-runtime';
import { WebSocket } from 'ws';
import { AppError, ErrorCode } from '../src/errors.js';
import { JournalRepository } from '../src/inbox/journal.repository.js';
import { Trimmer } from '../src/inbox/trimmer.js';
import { createApolloClient } from './recipes/apollo.js';
import { connect } from './recipes/graphql-ws.js';
import { keepUp } from './recipes/inbox.js';
import { createEnvironment } from './recipes/relay.js';
import { createUrqlClient } from './recipes/urql.js';
import type { TestApp } from './support/app.js';
import { signToken, startApp, until } from './support/app.js';
import { CuttingProxy } from './support/cutting-proxy.js';
import { openThread, send } from './support/seeds.js';

const CUTS = 24;
const CURSOR = 'query Cursor { viewer { cursor } }';
const ADDED = `subscription Added($after: String) {
  messageAdded(after: $after) { cursor message { id } }
}`;

/** How an application follows its messages with one library. */
type Follow = (
  url: string,
  token: () => Promise<string>,
  after: string,
  sink: { next: (data: any) => void; failed: (error: unknown) => void },
) => () => void;

const libraries: Record<string, Follow> = {
  'graphql-ws': (url, token, after, { next, failed }) =>
    connect(url.replace(/^http/, 'ws'), token).subscribe<any>(
      { query: ADDED, variables: { after } },
      {
        next: ({ data }) => {
          next(data);
        },
        error: failed,
        complete: () => undefined,
      },
    ),
  'Apollo Client': (url, token, after, { next, failed }) => {
    const client = createApolloClient(url, token);
    const subscription = client
      .subscribe<any>({ query: gql(ADDED), variables: { after } })
      .subscribe(({ data, error }) => {
        if (error) failed(error);
        else next(data);
      });
    return () => {
      subscription.unsubscribe();
      client.stop();
    };
  },
  urql: (url, token, after, { next, failed }) =>
    createUrqlClient(url, token)
      .subscription(ADDED, { after })
      .subscribe(({ data, error }) => {
        if (error) failed(error);
        else next(data);
      }).unsubscribe,
  'relay-runtime': (url, token, after, { next, failed }) =>
    requestSubscription(createEnvironment(url, token), {
      subscription: relayRequest(ADDED),
      variables: { after },
      onNext: next,
      onError: failed,
    }).dispose,
};

describe('a client that follows docs/protocol.md', () => {
  let app: TestApp;
  let proxy: CuttingProxy;
  let threadId: string;
  let people = 0;
  let ann: string;
  let ben: string;

  beforeAll(async () => {
    Object.assign(globalThis, { WebSocket });
    app = await startApp();
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    proxy = await CuttingProxy.start(app.url);
    people += 1;
    [ann, ben] = [`ann-${people}`, `ben-${people}`];
    ({ id: threadId } = await openThread(app, { tourist: ann, guide: ben }));
  });
  afterEach(() => proxy.stop());

  const url = (): string => `http://${proxy.host}/graphql`;
  const tokenOfBen = (): Promise<string> => signToken(ben);
  const cursor = async (): Promise<string> => (await app.as(ben).run(CURSOR)).viewer.cursor;
  const open = (): Promise<void> => until(() => proxy.open > 0, 'the client is connected', 20_000);

  it.each(Object.entries(libraries))(
    `gets everything in order and once with %s, over ${CUTS} cuts`,
    async (_name, follow) => {
      const got: string[] = [];
      const failures: unknown[] = [];
      const stop = follow(url(), tokenOfBen, await cursor(), {
        next: ({ messageAdded }) => got.push(messageAdded.message.id),
        failed: (error) => failures.push(error),
      });
      const sent: string[] = [];
      const write = async (count: number): Promise<void> => {
        for (; count > 0; count--) sent.push((await send(app.as(ann), threadId)).id);
      };
      let cuts = 0;
      for (let turn = 0; cuts < CUTS; turn++) {
        await open();
        // Before the handshake is over; while messages come; after the last one has come.
        const had = got.length;
        const writing = write(1 + (turn % 3));
        if (turn % 3 > 0) await until(() => got.length > had, 'messages come');
        if (turn % 3 === 2) await writing;
        cuts += proxy.cut();
        await writing;
        if (turn % 6 !== 5) continue;
        const refused = proxy.refused;
        proxy.refuse();
        await write(2);
        await until(() => proxy.refused > refused, 'the client has been turned away');
        proxy.admit();
      }
      await write(1);
      await until(() => got.length >= sent.length, 'the client has caught up', 20_000);
      await write(1);
      await until(() => got.length >= sent.length, 'the client has the last one');
      expect(failures).toEqual([]);
      expect(got).toEqual(sent);
      stop();
    },
    60_000,
  );

  describe('and meets a fault', () => {
    let sent: string[];
    let got: string[];
    let failures: unknown[];
    const write = async (count: number): Promise<void> => {
      for (; count > 0; count--) sent.push((await send(app.as(ann), threadId)).id);
    };
    const caughtUp = (): Promise<void> => until(() => got.length >= sent.length, 'all have come');
    const followWith = async (token: () => Promise<string>, pingMs?: number): Promise<() => void> =>
      connect(`ws://${proxy.host}/graphql`, token, pingMs).subscribe<any>(
        { query: ADDED, variables: { after: await cursor() } },
        {
          next: ({ data }) => got.push(data.messageAdded.message.id),
          error: (error) => failures.push(error),
          complete: () => undefined,
        },
      );
    beforeEach(() => {
      [sent, got, failures] = [[], [], []];
    });

    it('leaves a connection that is dead, and takes nothing of it that comes after all', async () => {
      const stop = await followWith(tokenOfBen, 200);
      await write(2);
      await caughtUp();
      const { accepted } = proxy;
      proxy.stall();
      await write(3);
      await until(() => proxy.accepted > accepted, 'the client has come anew');
      await caughtUp();
      proxy.flow();
      await write(1);
      await caughtUp();
      stop();
      await until(() => proxy.open === 0, 'the dead connection is closed');
      expect(got).toEqual(sent);
    });

    const tokenOfService = (): Promise<string> => signToken('platform', { roles: ['service'] });

    it.each(Object.entries(libraries))(
      'hears from %s that it is refused for good',
      async (_name, follow) => {
        const stop = follow(url(), tokenOfService, await cursor(), {
          next: (data) => got.push(data),
          failed: (error) => failures.push(error),
        });
        await until(() => failures.length > 0, 'the client is told');
        stop();
        expect(got).toEqual([]);
        expect(failures).toHaveLength(1);
      },
    );

    it('does not load again and again where it is refused for good', async () => {
      let loads = 0;
      const stop = keepUp(connect(`ws://${proxy.host}/graphql`, tokenOfService), {
        query: 'subscription ($after: String) { inboxEvents(after: $after) { cursor } }',
        load: () => {
          loads += 1;
          return cursor();
        },
        apply: (event) => got.push(event),
        failed: (error) => failures.push(error),
      });
      await until(() => failures.length > 0 || loads > 1, 'the client is told');
      stop();
      expect(failures).toEqual([
        [expect.objectContaining({ extensions: expect.objectContaining({ code: 'FORBIDDEN' }) })],
      ]);
      expect([loads, got]).toEqual([1, []]);
    });

    it('asks again where the server cannot answer for the moment', async () => {
      const stop = await followWith(tokenOfBen);
      await write(1);
      await caughtUp();
      const journals = app.get(JournalRepository);
      const stateOf = journals.stateOf.bind(journals);
      let refusals = 0;
      journals.stateOf = () => {
        refusals += 1;
        return Promise.reject(new AppError(ErrorCode.SERVICE_UNAVAILABLE, 'Not now.'));
      };
      try {
        proxy.cut();
        await write(2);
        await until(() => refusals >= 3, 'the client has asked three times');
      } finally {
        journals.stateOf = stateOf;
      }
      await caughtUp();
      stop();
      expect(got).toEqual(sent);
      expect(failures).toEqual([]);
    });

    it('comes back with a fresh token when the old one has expired, and when there is none for a while', async () => {
      let asked = 0;
      const stop = await followWith(() => {
        asked += 1;
        if (asked === 1) return signToken(ben, { exp: Math.floor(Date.now() / 1_000) + 2 });
        return asked < 4 ? Promise.reject(new Error('No token.')) : tokenOfBen();
      });
      await write(1);
      await caughtUp();
      await until(() => asked === 4, 'the client has asked for a token four times');
      await write(2);
      await caughtUp();
      stop();
      expect(got).toEqual(sent);
      expect(failures).toEqual([]);
    });

    it('fetches afresh where the journal no longer reaches back', async () => {
      let loads = 0;
      const stop = keepUp(connect(`ws://${proxy.host}/graphql`, tokenOfBen), {
        query: `subscription ($after: String) {
          inboxEvents(after: $after) { cursor ... on MessageAdded { message { id } } }
        }`,
        load: async () => {
          const { viewer, thread } = await app.as(ben).run(
            `query ($id: ID!) {
              viewer { cursor }
              thread(id: $id) { messages(last: 100) { nodes { id } } }
            }`,
            { id: threadId },
          );
          got = thread.messages.nodes.map(({ id }: any) => id);
          loads += 1;
          return viewer.cursor;
        },
        apply: ({ message }) => {
          if (message) got.push(message.id);
        },
        failed: (error) => failures.push(error),
      });
      await until(() => loads === 1, 'the state is loaded');
      await write(2);
      await caughtUp();
      proxy.refuse();
      proxy.cut();
      await write(3);
      const database = new Client({ connectionString: app.databaseUrl });
      await database.connect();
      await database.query(
        `UPDATE inbox_entries SET at = now() - interval '31 days' WHERE user_id = $1`,
        [ben],
      );
      await database.end();
      await app.get(Trimmer).trim();
      proxy.admit();
      await until(() => loads === 2, 'the state is loaded anew');
      await write(2);
      await caughtUp();
      stop();
      expect(got).toEqual(sent);
      expect(failures).toEqual([]);
    });
  });
});

describe('docs/protocol.md', () => {
  const text = readFileSync('docs/protocol.md', 'utf8');
  const schema = buildSchema(readFileSync('src/schema.graphql', 'utf8'));

  it('shows the recipes as they are tried here', () => {
    const shown = [...text.matchAll(/<!-- (\S+) -->\n+```ts\n([^]*?)```/g)].map(
      ([, file, code]) => [file, code],
    );
    const tried = readdirSync('test/recipes').map((name) => {
      const file = `test/recipes/${name}`;
      return [file, readFileSync(file, 'utf8')];
    });
    expect(Object.fromEntries(shown)).toEqual(Object.fromEntries(tried));
  });

  it('shows operations that fit the schema', () => {
    const operations = [...text.matchAll(/```graphql\n([^]*?)```/g)].map(([, code = '']) => code);
    for (const operation of operations)
      expect(validate(schema, parse(operation)).map(({ message }) => message)).toEqual([]);
    expect(operations.length).toBeGreaterThan(0);
  });

  it('explains every code, every event and every subscription', () => {
    const events = schema.getPossibleTypes(schema.getType('InboxEvent') as any);
    const subscriptions = Object.keys(schema.getSubscriptionType()?.getFields() ?? {});
    const names = [
      ...Object.values(ErrorCode),
      ...events.map(({ name }) => name),
      ...subscriptions,
    ];
    expect(names.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  });
});

/** What the Relay compiler makes of the text above. */
function relayRequest(text: string): any {
  const scalar = (name: string): object => ({
    alias: null,
    args: null,
    kind: 'ScalarField',
    name,
    storageKey: null,
  });
  const linked = (name: string, concreteType: string, args: any, selections: object[]): object => ({
    alias: null,
    args,
    concreteType,
    kind: 'LinkedField',
    name,
    plural: false,
    selections,
    storageKey: null,
  });
  const selections = [
    linked(
      'messageAdded',
      'MessageAdded',
      [{ kind: 'Variable', name: 'after', variableName: 'after' }],
      [scalar('cursor'), linked('message', 'ChatMessage', null, [scalar('id')])],
    ),
  ];
  const argumentDefinitions = [{ defaultValue: null, kind: 'LocalArgument', name: 'after' }];
  const name = 'Added';
  return {
    kind: 'Request',
    fragment: {
      abstractKey: null,
      argumentDefinitions,
      kind: 'Fragment',
      metadata: null,
      name,
      selections,
      type: 'Subscription',
    },
    operation: { argumentDefinitions, kind: 'Operation', name, selections },
    params: { cacheID: name, id: null, metadata: {}, name, operationKind: 'subscription', text },
  };
}
