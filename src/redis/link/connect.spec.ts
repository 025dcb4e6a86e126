import { redisLog } from '../log/redis-log.js';
import { redisSlots } from '../slots/redis-slots.js';

/** An object with the shape of an ioredis client. */
class Redis {
  status = 'wait';
  options = { host: 'localhost' };
  duplicate(): Redis {
    return new Redis();
  }
  connect(): Promise<void> {
    return Promise.resolve();
  }
}

describe('the option "client"', () => {
  it.each([
    ['redisLog', redisLog],
    ['redisSlots', redisSlots],
  ])('of %s names a client of ioredis, and says what to pass', (_, make) => {
    // @ts-expect-error It has no `isReady`.
    expect(() => make({ client: new Redis() })).toThrow(
      expect.objectContaining({
        code: 'SSE_INVALID_OPTIONS',
        message: expect.stringMatching(
          /a client of "ioredis", which is not supported\. Pass the URL/,
        ) as string,
      }),
    );
  });
});
