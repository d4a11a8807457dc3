import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildSchema } from 'graphql';
import type { TestApp } from './support/app.js';
import { startApp } from './support/app.js';
import type { Everything } from './support/everything.js';
import { seedEverything } from './support/everything.js';
import type { HttpClient } from './support/http-client.js';
import { ADMIN, openThread } from './support/seeds.js';
import { fieldOf, fieldsOf } from './support/selections.js';

// A page reads no more columns than its fields need. Whatever is asked for, each field says the same.

const schema = buildSchema(readFileSync('src/schema.graphql', 'utf8'));
const fieldsAskedOf = (type: string): (readonly [name: string, selection: string])[] =>
  fieldsOf(schema, type).map((field) => [field.name, fieldOf(schema, field, 1)] as const);
const MESSAGE = fieldsAskedOf('ChatMessage');
const THREAD = fieldsAskedOf('ChatThread');
const ALL = (fields: typeof MESSAGE): string => fields.map(([, selection]) => selection).join(' ');

const SEND =
  'mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }';
const EDIT =
  'mutation ($input: EditMessageInput!) { editMessage(input: $input) { message { id } } }';

let app: TestApp;
let seeded: Everything;
/** A participant who may also see what was said before an edit. */
let ann: HttpClient;

beforeAll(async () => {
  app = await startApp();
  seeded = await seedEverything(app);
  ann = app.as('ann', ADMIN);
});
afterAll(() => app.stop());

/** Each list with the items it shows; a list is asked by nodes, by edges and by both. */
const WAYS: [string, (item: string) => string, (connection: any) => any[]][] = [
  ['nodes', (item) => `nodes { ${item} }`, ({ nodes }) => nodes],
  ['edges', (item) => `edges { node { ${item} } }`, ({ edges }) => edges.map((e: any) => e.node)],
  [
    'edges beside nodes',
    (item) => `nodes { id } ...E } } fragment E on CONNECTION { edges { n: node { ${item} } }`,
    ({ edges }) => edges.map((e: any) => e.n),
  ],
];

describe.each(WAYS)('by %s', (_way, ask, itemsOf) => {
  const listOf = async (
    root: string,
    connection: string,
    item: string,
    variables: object = {},
  ): Promise<any[]> => {
    const list = ask(item).replace('CONNECTION', connection);
    const closing = list.includes('fragment') ? '}' : '} }';
    const data = await ann.run(
      `query ${'id' in variables ? '($id: ID!)' : ''} { ${root} { ${list} ${closing}`,
      variables,
    );
    return itemsOf(Object.values<any>(data)[0]);
  };
  const messages = (item: string): Promise<any[]> =>
    listOf('messages(filter: { threadId: $id }, first: 20)', 'ChatMessageConnection', item, {
      id: seeded.threadId,
    });
  const ownMessages = (item: string): Promise<any[]> =>
    listOf('messages(filter: {}, last: 20)', 'ChatMessageConnection', item);
  const threads = (item: string): Promise<any[]> =>
    listOf('threads(first: 20)', 'ChatThreadConnection', item);

  it.each(MESSAGE)('a message’s %s is the same alone as with everything', async (name, field) => {
    for (const list of [messages, ownMessages]) {
      const whole = await list(`id ${ALL(MESSAGE)}`);
      expect(whole.length).toBeGreaterThanOrEqual(seeded.messageIds.length);
      expect(await list(`id ${field}`)).toEqual(
        whole.map((row) => ({ id: row.id, [name]: row[name] })),
      );
    }
  });

  it.each(THREAD)('a thread’s %s is the same alone as with everything', async (name, field) => {
    const whole = await threads(`id ${ALL(THREAD)}`);
    expect(whole.map(({ id }) => id)).toEqual(
      expect.arrayContaining([seeded.threadId, seeded.emptyId]),
    );
    expect(await threads(`id ${field}`)).toEqual(
      whole.map((row) => ({ id: row.id, [name]: row[name] })),
    );
  });

  it('a thread is the same by way of its last message', async () => {
    const all = `${ALL(THREAD)} lastMessage { ${ALL(MESSAGE)} }`;
    const found = (await threads(all)).filter(({ lastMessage }) => lastMessage !== null);
    expect(found).toHaveLength(2);
    const again = await threads(`lastMessage { thread { ${all} } }`);
    expect(again.flatMap(({ lastMessage }) => lastMessage?.thread ?? [])).toEqual(found);
  });

  it('the last message of an empty thread is null, however much of it is asked for', async () => {
    for (const fields of ['body', 'editedAt', ALL(MESSAGE)]) {
      const found = await threads(`id lastMessage { ${fields} }`);
      expect(found.find(({ id }) => id === seeded.emptyId).lastMessage).toBeNull();
      expect(found.filter(({ lastMessage }) => lastMessage !== null)).toHaveLength(2);
    }
  });
});

describe('the last message of a thread in the list', () => {
  const LASTS: object[] = [
    { messageType: 'IMAGE', body: 'https://example.com/a.png' },
    { messageType: 'LOCATION', location: { latitude: 1.5, longitude: 0, label: 'Here' } },
    { body: 'A text' },
  ];
  beforeAll(async () => {
    for (const [place, fields] of LASTS.entries()) {
      // The guides have no name.
      const { id: threadId } = await openThread(app, { guide: `nameless${place}` });
      const say = (rest: object): Promise<any> =>
        app.as(`nameless${place}`).run(SEND, {
          input: { threadId, clientMessageId: `last-${place}`, ...fields, ...rest },
        });
      const { sendMessage } = await say({});
      const messageId = sendMessage.message.id;
      if (place === 2) {
        const input = { messageId, body: 'Edited' };
        await app.as('nameless2').run(EDIT, { input });
        await say({ body: 'A reply', clientMessageId: 'reply', replyToMessageId: messageId });
      }
    }
  });

  it('has every field as message(id:) has it, alone and with everything, whatever it is', async () => {
    const { threads: found } = await ann.run(
      '{ threads(first: 10) { nodes { lastMessage { id } } } }',
    );
    const ids = found.nodes.flatMap(({ lastMessage }: any) => lastMessage?.id ?? []);
    expect(ids.length).toBeGreaterThan(LASTS.length);
    for (const lastId of ids) {
      const { message } = await ann.run(
        `query ($id: ID!) { message(id: $id) { ${ALL(MESSAGE)} } }`,
        { id: lastId },
      );
      for (const [name, field] of [...MESSAGE, ['all of it', ALL(MESSAGE)] as const])
        for (const [, ask, itemsOf] of WAYS.slice(0, 2)) {
          const { threads } = await ann.run(
            `{ threads(first: 10) { ${ask(`lastMessage { id ${field} }`)} } }`,
          );
          const last = itemsOf(threads)
            .map(({ lastMessage }) => lastMessage)
            .find((each) => each?.id === lastId);
          expect({ name, last }).toEqual({
            name,
            last: name === 'all of it' ? message : { id: lastId, [name]: message[name] },
          });
        }
    }
  });
});
