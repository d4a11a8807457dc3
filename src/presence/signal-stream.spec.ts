import { expect, it } from '@jest/globals';
import { SignalStream } from './signal-stream.js';

interface News {
  readonly count: number;
}

/** A stream of a counter that says each count once. */
function counting(): { stream: SignalStream<News>; set: (count: number) => void; ends: number[] } {
  let [count, told] = [0, 0];
  const ends: number[] = [];
  const stream = new SignalStream<News>(
    () => {
      if (count < 0) return Promise.reject(new Error('Lost count.'));
      if (count === told) return Promise.resolve(null);
      told = count;
      return Promise.resolve({ count });
    },
    () => ends.push(count),
  );
  const set = (next: number): void => {
    count = next;
    stream.wake();
  };
  return { stream, set, ends };
}

it('tells a slow reader the newest and nothing in between', async () => {
  const { stream, set } = counting();
  const first = stream.next();
  set(1);
  expect(await first).toEqual({ done: false, value: { count: 1 } });
  for (let count = 2; count <= 1_000; count++) set(count);
  expect(await stream.next()).toEqual({ done: false, value: { count: 1_000 } });
  const waiting = stream.next();
  set(1_001);
  expect(await waiting).toEqual({ done: false, value: { count: 1_001 } });
});

it('does not wake its reader for nothing', async () => {
  const { stream, set } = counting();
  const waiting = stream.next();
  set(0);
  set(0);
  set(7);
  expect(await waiting).toEqual({ done: false, value: { count: 7 } });
});

it('ends a wait at once, and ends once', async () => {
  const { stream, ends } = counting();
  const waiting = stream.next();
  // By now it waits.
  await new Promise(setImmediate);
  await stream.return();
  expect(await waiting).toEqual({ done: true, value: undefined });
  await stream.return();
  expect(ends).toHaveLength(1);
  expect(await stream.next()).toEqual({ done: true, value: undefined });
});

it('keeps to itself what it saw when it was ended meanwhile', async () => {
  const { stream, set } = counting();
  set(1);
  const looking = stream.next();
  stream.close();
  expect(await looking).toEqual({ done: true, value: undefined });
});

it('ends with the error of a look', async () => {
  const { stream, set, ends } = counting();
  const waiting = stream.next();
  set(-1);
  await expect(waiting).rejects.toThrow('Lost count.');
  expect(ends).toEqual([-1]);
  expect(await stream.next()).toEqual({ done: true, value: undefined });
});
