import { resolveRedisLogOptions } from './redis-log.options.js';
import { resolveRedisSlotsOptions } from '../slots/redis-slots.options.js';

const client = 'redis://localhost:6379';

const refused = (what: string): Error =>
  expect.objectContaining({
    code: 'SSE_INVALID_OPTIONS',
    message: expect.stringContaining(what) as string,
  }) as Error;

describe('options of a Redis log that it cannot have are refused', () => {
  it.each<[unknown, string]>([
    [
      { clinet: client },
      'redisLog(): there is no option "clinet" (given as "redis://localhost:6379"). Did you mean "client"?',
    ],
    [{}, 'redisLog(): the option "client" is missing. It is what createClient()'],
    [client, 'redisLog(): the options cannot be "redis://localhost:6379". Give an object'],
    [undefined, 'redisLog(): the options cannot be undefined.'],
    [
      { client, maxEvent: 5 },
      'redisLog(): there is no option "maxEvent" (given as 5). Did you mean "maxEvents"?',
    ],
    [
      { client, trim: 'exactly' },
      `redisLog(): the option "trim" cannot be "exactly". It is 'approximate' or 'exact'.`,
    ],
    [
      { client, retention: { maxEvents: 5 } },
      'redisLog(): the option "retention" cannot be {"maxEvents":5}. It is a function',
    ],
    [{ client, maxEvents: 0 }, 'maxEvents: 0'],
    [{ client, prefix: 5 }, 'prefix: 5'],
  ])('%j', (options, what) => {
    expect(() => resolveRedisLogOptions(options as never)).toThrow(refused(what));
  });

  it('in what retention() gives, too', () => {
    const { bounds } = resolveRedisLogOptions({ client, retention: () => ({ maxEvent: 5 }) as object });
    expect(() => bounds('news')).toThrow(
      refused(
        'redisLog(), retention("news"): there is no option "maxEvent" (given as 5). Did you mean "maxEvents"?',
      ),
    );
  });

  it('and others are not', () => {
    expect(
      resolveRedisLogOptions({ client, trim: 'exact', maxAgeMs: undefined, waitMs: false }),
    ).toMatchObject({
      exact: true,
      waitMs: false,
    });
  });
});

describe('options of Redis slots that they cannot have are refused', () => {
  it.each<[unknown, string]>([
    [{}, 'redisSlots(): the option "client" is missing.'],
    [client, 'redisSlots(): the options cannot be "redis://localhost:6379".'],
    [{ client, lease: 5 }, 'redisSlots(): there is no option "lease" (given as 5). Did you mean "leaseMs"?'],
    [
      { client, leaseMs: false },
      'redisSlots(): the option "leaseMs" cannot be false. It is milliseconds, above 0.',
    ],
    [{ client, waitMs: 0 }, 'redisSlots(): the option "waitMs" cannot be 0.'],
    [
      { client, whileAway: 'deny' },
      `redisSlots(): the option "whileAway" cannot be "deny". It is 'allow' or 'refuse'.`,
    ],
  ])('%j', (options, what) => {
    expect(() => resolveRedisSlotsOptions(options as never)).toThrow(refused(what));
  });

  it('and others are not', () => {
    expect(resolveRedisSlotsOptions({ client, waitMs: undefined, pingMs: false })).toMatchObject({
      leaseMs: 15_000,
      waitMs: 2000,
      pingMs: false,
    });
  });
});
