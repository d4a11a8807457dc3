import { getEventListeners } from 'node:events';
import { expect, it } from '@jest/globals';
import { deliver } from './smtp-delivery.js';

it('leaves nothing at the signal of the node, which would keep the mail', async () => {
  const { signal } = new AbortController();
  const mail = {
    messageId: '<1@chat.example>',
    references: '<0@chat.example>',
    from: { name: 'parley', address: 'parley@chat.example' },
    to: 'ann@mail.example',
    subject: 'News',
    text: 'Hello',
    html: '<p>Hello</p>',
    headers: {},
  };
  // Nobody listens at this port.
  const server = { url: 'smtp://127.0.0.1:1', timeoutMs: 5_000 };
  const verdict = await deliver(server, mail, () => Promise.resolve(true), signal);
  expect(verdict.kind).not.toBe('ACCEPTED');
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
