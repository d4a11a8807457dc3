import { Injectable } from '@nestjs/common';
import type { Viewer } from '../auth/viewer.js';
import { Config } from '../config.js';
import { AppError, ErrorCode } from '../errors.js';
import { NodeRedis } from '../redis/redis.module.js';
import { TokenBuckets } from './token-bucket.js';

/** A slower Redis is done without for a while: the limits are then each node's own. */
const PATIENCE_MS = 100;
const DO_WITHOUT_MS = 2_000;

/** The same bucket as in this process, by Redis's clock, which another Redis or its operator may have put back. */
const TAKE = `
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = math.min(burst, (tonumber(bucket[1]) or burst) + math.max(0, now - (tonumber(bucket[2]) or now)) * rate / 1000)
local wait = 0
if tokens < 1 then wait = math.ceil((1 - tokens) * 1000 / rate) else tokens = tokens - 1 end
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%.3f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(burst * 1000 / rate) + 1000)
return wait`;

/** How much a person may do in a time. Over all nodes where there is a Redis that answers, else per node. */
@Injectable()
export class RateLimits {
  readonly #sends: TokenBuckets | null;
  #withoutRedisUntil = 0;

  constructor(
    private readonly config: Config,
    private readonly redis: NodeRedis,
  ) {
    const { SEND_RATE_PER_SECOND: perSecond, SEND_BURST: burst } = config;
    this.#sends = perSecond === 0 ? null : new TokenBuckets({ perSecond, burst });
  }

  /** @throws AppError RATE_LIMITED with `retryAfterMs` when the person sends too much */
  async requireSend({ userId, isService }: Viewer): Promise<void> {
    if (this.#sends === null || isService) return;
    const wait = await this.#take(this.#sends, userId);
    if (wait === 0) return;
    throw new AppError(
      ErrorCode.RATE_LIMITED,
      'Too many messages in a short time. Try again a little later.',
      { retryAfterMs: wait },
    );
  }

  /** What is too much for this node is too much for all of them, so Redis is only asked about the rest. */
  async #take(buckets: TokenBuckets, userId: string): Promise<number> {
    const wait = buckets.take(userId);
    if (wait > 0) return wait;
    const shared = await this.#takeShared(userId);
    if (shared > 0) buckets.giveBack(userId);
    return shared;
  }

  async #takeShared(userId: string): Promise<number> {
    const commands = this.redis.connection?.commands;
    if (!commands || performance.now() < this.#withoutRedisUntil) return 0;
    const { SEND_RATE_PER_SECOND, SEND_BURST, REDIS_PREFIX } = this.config;
    const answer = commands
      .eval(TAKE, 1, `${REDIS_PREFIX}:sends:${userId}`, SEND_RATE_PER_SECOND, SEND_BURST)
      .catch(() => null);
    const wait = await Promise.race([answer, after(PATIENCE_MS)]);
    if (typeof wait === 'number') return wait;
    this.#withoutRedisUntil = performance.now() + DO_WITHOUT_MS;
    return 0;
  }
}

const after = (ms: number): Promise<null> =>
  new Promise((resolve) => setTimeout(resolve, ms, null).unref());
