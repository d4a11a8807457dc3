/** So many at once, and so many a second in the long run. */
export interface Allowance {
  readonly perSecond: number;
  readonly burst: number;
}

interface Bucket {
  tokens: number;
  at: number;
}

/** Full buckets are worth nothing; they are thrown away when there are so many. */
const MANY = 10_000;

/** A bucket of tokens per key, in this process. */
export class TokenBuckets {
  readonly #buckets = new Map<string, Bucket>();

  constructor(
    private readonly allowance: Allowance,
    private readonly now: () => number = () => performance.now(),
  ) {}

  get size(): number {
    return this.#buckets.size;
  }

  /** @returns 0 when a token was taken, else in how many milliseconds there will be one */
  take(key: string): number {
    const bucket = this.#filled(key);
    if (bucket.tokens < 1)
      return Math.ceil(((1 - bucket.tokens) * 1_000) / this.allowance.perSecond);
    bucket.tokens -= 1;
    return 0;
  }

  giveBack(key: string): void {
    const bucket = this.#filled(key);
    bucket.tokens = Math.min(bucket.tokens + 1, this.allowance.burst);
  }

  #filled(key: string): Bucket {
    const now = this.now();
    const bucket = this.#buckets.get(key) ?? this.#create(key, now);
    bucket.tokens = this.#tokensAt(bucket, now);
    bucket.at = now;
    return bucket;
  }

  #create(key: string, now: number): Bucket {
    if (this.#buckets.size >= MANY)
      for (const [other, bucket] of this.#buckets)
        if (this.#tokensAt(bucket, now) >= this.allowance.burst) this.#buckets.delete(other);
    const bucket = { tokens: this.allowance.burst, at: now };
    this.#buckets.set(key, bucket);
    return bucket;
  }

  #tokensAt({ tokens, at }: Bucket, now: number): number {
    const { perSecond, burst } = this.allowance;
    return Math.min(burst, tokens + ((now - at) * perSecond) / 1_000);
  }
}
