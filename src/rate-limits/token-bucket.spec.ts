import { describe, expect, it } from '@jest/globals';
import { TokenBuckets } from './token-bucket.js';

describe('a token bucket', () => {
  const at = (allowance: { perSecond: number; burst: number }) => {
    const clock = { now: 0 };
    return { clock, buckets: new TokenBuckets(allowance, () => clock.now) };
  };

  it('gives a burst, then as much as flows in', () => {
    const { clock, buckets } = at({ perSecond: 8, burst: 3 });
    expect([1, 2, 3, 4].map(() => buckets.take('ann'))).toEqual([0, 0, 0, 125]);
    clock.now = 62.5;
    expect(buckets.take('ann')).toBe(63);
    clock.now = 125;
    expect([1, 2].map(() => buckets.take('ann'))).toEqual([0, 125]);
  });

  it('never holds more than a burst', () => {
    const { clock, buckets } = at({ perSecond: 10, burst: 2 });
    buckets.take('ann');
    clock.now = 1_000_000;
    buckets.giveBack('ann');
    expect([1, 2, 3].map(() => buckets.take('ann'))).toEqual([0, 0, 100]);
  });

  it('forgets people whose buckets are full again', () => {
    const { clock, buckets } = at({ perSecond: 1, burst: 2 });
    for (let n = 0; n < 10_000; n++) buckets.take(`person-${n}`);
    clock.now = 1_000;
    buckets.take('one more');
    expect(buckets.size).toBe(1);
  });
});
