import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { mayUseRedis, RedisServer } from './faults/redis-server.js';
import type { TestApp } from './support/app.js';
import { startApp, until } from './support/app.js';

const onMachine = mayUseRedis ? describe : describe.skip;
const needed = mayUseRedis ? '' : ' (needs a redis-server: PARLEY_REDIS_SERVER)';

onMachine(`a node that cannot reach its Redis${needed}`, () => {
  const said: string[] = [];
  let redis: RedisServer;
  let app: TestApp;
  beforeAll(async () => {
    redis = await RedisServer.start();
    // Only what it says from now on is heard.
    await redis.kill();
    app = await startApp({ REDIS_URL: redis.url.replace('//', '//parley:hunter2@') });
    const keep = (message: unknown): unknown => said.push(String(message));
    Logger.overrideLogger({ log: keep, warn: keep, error: keep });
  });
  afterAll(async () => {
    Logger.overrideLogger(['fatal']);
    await app.stop();
    await redis.remove();
  });

  const times = (reason: RegExp): number => said.filter((line) => reason.test(line)).length;

  it('says why, each reason once, and after the next outage again', async () => {
    await redis.start();
    await until(() => times(/cannot be reached: WRONGPASS/) === 1, 'the password is wrong');
    const isKnown = ['SETUSER', 'parley', 'on', '>hunter2', 'allkeys', 'allchannels', '+@all'];
    await redis.ask((client) => client.call('ACL', ...isKnown));
    await until(() => times(/Redis is there/) === 1, 'the node has Redis');
    const refusals = times(/ECONNREFUSED/);
    await redis.kill();
    await until(() => times(/cannot be reached: .*ECONNREFUSED/) > refusals, 'nobody is there');
    await redis.start();
    await until(() => times(/cannot be reached: WRONGPASS/) === 2, 'the password is wrong again');
    expect(times(/ECONNREFUSED/)).toBe(refusals + 1);
    expect(said.join()).not.toContain('hunter2');
  });
});
