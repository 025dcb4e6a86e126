import { redisLog } from '../log/redis-log.js';
import { redisSlots } from '../slots/redis-slots.js';

const makers = [
  ['redisLog', redisLog],
  ['redisSlots', redisSlots],
] as const;

/** A client of neither package: of version 3 of `redis`, for example. */
class OtherClient {
  connected = false;
  options = {};
  duplicate(): OtherClient {
    return new OtherClient();
  }
}

describe.each(makers)('the option "client" of %s', (_, make) => {
  it.each([
    ['a client of another package', new OtherClient(), 'an instance of OtherClient'],
    ['a pipeline', { execute: () => undefined }, '{}'],
    ['a number', 6379, '6379'],
    ['null', null, 'null'],
  ])('rejects %s, and says what to pass', (_what, client, shown) => {
    expect(() => make({ client: client as never })).toThrow(
      expect.objectContaining({
        code: 'SSE_INVALID_OPTIONS',
        message: expect.stringContaining(shown) as string,
      }),
    );
    expect(() => make({ client: client as never })).toThrow(/"@redis\/client".*"ioredis"|a Redis/);
  });

  it.each([{ host: 'cache', port: 6380 }, { sentinels: [] }, { port: 6380 }])(
    'rejects options of ioredis (%j), which "@redis/client" would ignore',
    (client) => {
      expect(() => make({ client: client as never })).toThrow(
        expect.objectContaining({
          code: 'SSE_INVALID_OPTIONS',
          message:
            'The option "client" has options of "ioredis". Pass a client: new Redis(options) of "ioredis". Options without a ' +
            'client belong to "@redis/client".',
        }),
      );
    },
  );
});
