import type { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import * as ws from 'ws';
import { textFrames } from './text-frames.js';

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
