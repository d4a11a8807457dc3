import { gql } from '@apollo/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { requestSubscription } from 'relay-runtime';
import { WebSocket } from 'ws';
import { createApolloClient } from './recipes/apollo.js';
import { connect } from './recipes/graphql-ws.js';
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
      .subscription<any>(ADDED, { after })
      .subscribe(({ data, error }) => {
        if (error) failed(error);
        else next(data);
      }).unsubscribe,
  'relay-runtime': (url, token, after, { next, failed }) =>
    requestSubscription<any>(createEnvironment(url, token), {
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
