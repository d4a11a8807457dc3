import type { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import * as ws from 'ws';
import type { TextMessage } from './text-frames.js';
import { LentFrames, textFrames } from './text-frames.js';

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

describe('text frames', () => {
  it.each([0, 1, 125, 126, 127, 65_535, 65_536, 70_000])(
    'hold a text of %d bytes',
    async (size) => {
      const text = 'a'.repeat(size);
      expect(await read(textFrames([[Buffer.from(text)]]))).toEqual([text]);
    },
  );

  it('join the parts of each message, and keep the messages apart and in order', async () => {
    const messages = ['{"id":"1","payload":', '{"id":"2","payload":'].map((head) => [
      Buffer.from(head),
      Buffer.from('{"data":"grüezi 👋"}'),
      Buffer.from('}'),
    ]);
    expect(await read(textFrames(messages))).toEqual([
      '{"id":"1","payload":{"data":"grüezi 👋"}}',
      '{"id":"2","payload":{"data":"grüezi 👋"}}',
    ]);
  });
});

describe('frames for one socket after the other', () => {
  const BODIES = ['{"data":"grüezi"}}', `{"data":"${'a'.repeat(200)}"}}`].map((body) =>
    Buffer.from(body),
  );
  const toSocket = (id: string, bodies: readonly Buffer[] = BODIES): TextMessage[] =>
    bodies.map((body) => [Buffer.from(`{"id":"${id}","payload":`), body]);
  const textsOf = (messages: readonly TextMessage[]): string[] =>
    messages.map((parts) => Buffer.concat(parts).toString());

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
    ['one message of them', toSocket('11').slice(1)],
    ['more of them', [...toSocket('11'), ...toSocket('11')]],
    ['the same in another order', toSocket('11').reverse()],
    ['as many parts divided otherwise', toSocket('11').map((parts) => [...parts].reverse())],
  ])('hold for the next one %s', async (_name, next) => {
    const frames = new LentFrames();
    frames.of(toSocket('11'));
    expect(await read(frames.of(next))).toEqual(textsOf(next));
    expect(await read(frames.of(toSocket('11')))).toEqual(textsOf(toSocket('11')));
  });

  it('are left alone once they are given away', async () => {
    const frames = new LentFrames();
    const given = frames.of(toSocket('11'));
    frames.giveAway();
    expect(await read(frames.of(toSocket('22')))).toEqual(textsOf(toSocket('22')));
    expect(await read(given)).toEqual(textsOf(toSocket('11')));
  });
});
