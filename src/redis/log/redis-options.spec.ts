import { resolveRedisLogOptions } from './redis-log.options.js';
import { resolveRedisSlotsOptions } from '../slots/redis-slots.options.js';

const client = 'redis://localhost:6379';

const refused = (what: string): Error =>
  expect.objectContaining({
    code: 'SSE_INVALID_OPTIONS',
    message: expect.stringContaining(what) as string,
  }) as Error;

describe('invalid options of redisLog() are rejected', () => {
  it.each<[unknown, string]>([
    [
      { clinet: client },
      'redisLog(): Unknown option "clinet": "redis://localhost:6379". Did you mean "client"?',
    ],
    [{}, 'redisLog(): Missing option "client". Use a client of "@redis/client" or "ioredis"'],
    [client, 'redisLog(): Invalid options: "redis://localhost:6379". Use an object'],
    [undefined, 'redisLog(): Invalid options: undefined.'],
    [{ client, maxEvent: 5 }, 'redisLog(): Unknown option "maxEvent": 5. Did you mean "maxEvents"?'],
    [
      { client, trim: 'exactly' },
      `redisLog(): Invalid option "trim": "exactly". Use 'approximate' or 'exact'.`,
    ],
    [
      { client, retention: { maxEvents: 5 } },
      'redisLog(): Invalid option "retention": {"maxEvents":5}. Use a function',
    ],
    ...['maxEvents', 'maxBytes', 'maxAgeMs', 'maxEventBytes', 'waitMs', 'forgetMs', 'pingMs'].flatMap(
      (name) =>
        [0, -1, NaN, Infinity, '5'].map((value): [object, string] => [
          { client, [name]: value },
          `redisLog(): Invalid option "${name}": ${typeof value === 'string' ? '"5"' : value}. Use a positive`,
        ]),
    ),
    [
      { client, waitMs: 2 ** 31 },
      'redisLog(): Invalid option "waitMs": 2147483648. Use a positive number of milliseconds or false for none. The maximum is 2147483647',
    ],
    [{ client, prefix: 5 }, 'redisLog(): Invalid option "prefix": 5. Use a string without braces.'],
    [{ client, prefix: 'a{b}' }, 'redisLog(): Invalid option "prefix": "a{b}".'],
    [
      { client, maxEvents: false, maxBytes: false, maxAgeMs: false },
      'redisLog(): Invalid option "maxAgeMs": false. Without any limit the data in Redis grows forever.',
    ],
  ])('%j', (options, what) => {
    expect(() => resolveRedisLogOptions(options as never)).toThrow(refused(what));
  });

  it('also in the result of retention()', () => {
    const { bounds } = resolveRedisLogOptions({ client, retention: () => ({ maxEvent: 5 }) as object });
    expect(() => bounds('news')).toThrow(
      refused('redisLog(), retention("news"): Unknown option "maxEvent": 5. Did you mean "maxEvents"?'),
    );
  });

  it('and valid ones are accepted', () => {
    expect(
      resolveRedisLogOptions({ client, trim: 'exact', maxAgeMs: undefined, waitMs: false }),
    ).toMatchObject({
      exact: true,
      waitMs: false,
    });
  });
});

describe('invalid options of redisSlots() are rejected', () => {
  it.each<[unknown, string]>([
    [{}, 'redisSlots(): Missing option "client".'],
    [client, 'redisSlots(): Invalid options: "redis://localhost:6379".'],
    [{ client, lease: 5 }, 'redisSlots(): Unknown option "lease": 5. Did you mean "leaseMs"?'],
    [
      { client, leaseMs: 0 },
      'redisSlots(): Invalid option "leaseMs": 0. Use a positive number of milliseconds.',
    ],
    ...['leaseMs', 'waitMs', 'pingMs'].flatMap((name) =>
      [-1, NaN, Infinity, '5', 2 ** 31].map((value): [object, string] => [
        { client, [name]: value },
        `redisSlots(): Invalid option "${name}": ${typeof value === 'string' ? '"5"' : value}. Use a positive`,
      ]),
    ),
    [
      { client, leaseMs: 1.5 },
      'redisSlots(): Invalid option "leaseMs": 1.5. Use a positive number of milliseconds. Redis accepts whole',
    ],
    [{ client, waitMs: 0 }, 'redisSlots(): Invalid option "waitMs": 0.'],
    [
      { client, whileAway: 'deny' },
      `redisSlots(): Invalid option "whileAway": "deny". Use 'allow' or 'refuse'.`,
    ],
  ])('%j', (options, what) => {
    expect(() => resolveRedisSlotsOptions(options as never)).toThrow(refused(what));
  });

  it('and valid ones are accepted', () => {
    expect(resolveRedisSlotsOptions({ client, waitMs: undefined, pingMs: false })).toMatchObject({
      leaseMs: 15_000,
      waitMs: 2000,
      pingMs: false,
    });
  });
});
