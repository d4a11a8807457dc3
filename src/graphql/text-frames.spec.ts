import type { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import * as ws from 'ws';
import type { Told } from './text-frames.js';
import { LentFrames, firstOf } from './text-frames.js';

/** It is exported, and its type is not. */
const { Receiver } = ws as unknown as {
  Receiver: new (options: { isServer: boolean }) => Writable;
};

/** What a WebSocket client reads from these bytes. */
async function read(bytes: Buffer): Promise<string[]> {
  const receiver = new Receiver({ isServer: false });
  const texts: string[] = [];
  receiver.on('message', (data: Buffer, isBinary: boolean) => {
    texts.push(isBinary ? 'binary' : data.toString());
  });
  await new Promise<void>((resolve, reject) => {
    receiver.once('error', reject);
    receiver.once('finish', resolve);
    receiver.end(bytes);
  });
  return texts;
}

const HEAD = Buffer.from('{"id":"11","payload":');

describe('the frames of what a socket is told', () => {
  it.each([0, 1, 125, 126, 127, 65_535, 65_536, 70_000])(
    'hold a text of %d bytes',
    async (size) => {
      const bodies = [Buffer.from('a'.repeat(size))];
      const texts = await read(new LentFrames().of([{ head: Buffer.alloc(0), bodies }]));
      expect(texts).toEqual(['a'.repeat(size)]);
    },
  );

  it('join the head and each body, keep the messages apart and in order, and leave out what has no body', async () => {
    const told = ['{"id":"1","payload":', '{"id":"2","payload":'].map((head) => ({
      head: Buffer.from(head),
      bodies: [Buffer.from('{"data":"grüezi 👋"}}'), null, Buffer.from('{"data":null}}')],
    }));
    expect(await read(new LentFrames().of(told))).toEqual([
      '{"id":"1","payload":{"data":"grüezi 👋"}}',
      '{"id":"1","payload":{"data":null}}',
      '{"id":"2","payload":{"data":"grüezi 👋"}}',
      '{"id":"2","payload":{"data":null}}',
    ]);
  });
});

describe('frames for one socket after the other', () => {
  const BODIES = ['{"data":"grüezi"}}', `{"data":"${'a'.repeat(200)}"}}`].map((body) =>
    Buffer.from(body),
  );
  const FIRST: Told[] = [{ head: HEAD, bodies: BODIES }];
  const toSocket = (id: string, bodies: Told['bodies'] = BODIES): Told[] => [
    { head: Buffer.from(`{"id":"${id}","payload":`), bodies },
  ];
  const textsOf = (told: readonly Told[]): string[] =>
    told.flatMap(({ head, bodies }) =>
      bodies.flatMap((body) => (body === null ? [] : [Buffer.concat([head, body]).toString()])),
    );

  it.each([
    ['the same with an id as long', toSocket('22')],
    ['the same with a longer id', toSocket('333')],
    [
      'other texts as long',
      toSocket(
        '11',
        BODIES.map(({ length }) => Buffer.alloc(length, 'b')),
      ),
    ],
    ['one message of them', toSocket('11', BODIES.slice(1))],
    ['one left out', toSocket('11', [null, ...BODIES.slice(1)])],
    ['the same of two operations', [...toSocket('11'), ...toSocket('22')]],
    ['the same in another order', toSocket('11', BODIES.toReversed())],
  ])('hold for the next one %s', async (_name, next) => {
    const frames = new LentFrames();
    frames.of(FIRST);
    expect(await read(frames.of(next))).toEqual(textsOf(next));
    expect(await read(frames.of(FIRST))).toEqual(textsOf(FIRST));
  });

  it('are left alone once they are given away', async () => {
    const frames = new LentFrames();
    const given = frames.of(FIRST);
    frames.giveAway();
    expect(await read(frames.of(toSocket('22')))).toEqual(textsOf(toSocket('22')));
    expect(await read(given)).toEqual(textsOf(FIRST));
  });
});

describe('what a socket takes of a page', () => {
  const HEAD_OF_FIVE = Buffer.from('12345');
  const ten = Buffer.from('1234567890');

  it.each([
    ['the first where there is no room', [ten, ten], 0, 1, 15],
    ['one more as long as there is room', [ten, ten, ten, ten], 15, 2, 30],
    ['one less where there is a byte less', [ten, ten, ten, ten], 14, 1, 15],
    ['all where there is room for them', [ten, ten, ten], 100, 3, 45],
    ['what has no body for nothing', [null, ten, null, null, ten], 14, 2, 15],
    ['a page without bodies whole', [null, null, null], 0, 3, 0],
  ])('is %s', (_name, bodies, room, count, bytes) => {
    expect(firstOf({ head: HEAD_OF_FIVE, bodies }, room)).toEqual({ count, bytes });
  });
});
