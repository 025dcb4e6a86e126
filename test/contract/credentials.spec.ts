import { inspect } from 'node:util';
import { postgresLog, postgresSlots } from 'nestjs-event-stream/postgres';
import { redisLog, redisSlots } from 'nestjs-event-stream/redis';

function errorOf(make: (options: never) => unknown, options: unknown): unknown {
  try {
    make(options as never);
  } catch (error) {
    return error;
  }
  throw new Error(`${inspect(options)} was accepted`);
}

const REDIS = 'redis://app:top@secret@cache:6379';
const POSTGRES = 'postgres://app:top@secret@db/shop';

describe('the password in invalid options is in no part of the error', () => {
  it.each<[string, (options: never) => unknown, unknown]>([
    ['a URL in place of options', redisLog, REDIS],
    ['a URL in place of options', redisSlots, REDIS],
    ['a URL in place of options', postgresLog, POSTGRES],
    ['a URL in place of options', postgresSlots, POSTGRES],
    ['a URL under a wrong name', redisLog, { url: REDIS }],
    ['a URL under a wrong name', postgresLog, { connectionString: POSTGRES }],
    ['options of a client', redisLog, { password: 'secret', socket: {} }],
    ['options of a client', postgresSlots, { password: 'secret', host: 'db' }],
    ['options of a client under a wrong name', redisSlots, { redis: { url: REDIS, password: 'secret' } }],
    ['an object of another kind', redisLog, { client: { execute: 1, password: 'secret' } }],
    ['a URL that cannot be parsed', redisLog, { client: 'redis://app:secret@cache:port' }],
    ['a URL that cannot be parsed', redisSlots, { client: { url: 'redis://app:se/cret#secret@cache' } }],
    ['a URL that cannot be parsed', postgresLog, { client: 'postgres://app:secret@db:port' }],
    ['a URL with an escape that is wrong', redisLog, { client: 'redis://app:secret%zz@cache' }],
    ['a URL of another scheme', redisLog, { client: 'http://app:secret@cache' }],
  ])('%s', (_, make, options) => {
    const error = errorOf(make, options);
    expect(error).toMatchObject({ code: 'SSE_INVALID_OPTIONS' });
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('secret');
  });

  it('and the rest of it is, with what to do', () => {
    expect(errorOf(redisLog, { clinet: REDIS })).toMatchObject({
      message:
        'redisLog(): Unknown option "clinet": "redis://…@cache:6379". Did you mean "client"? Rename it, or remove it.',
    });
    expect(errorOf(redisLog, { client: 'redis://app:secret@cache:port' })).toMatchObject({
      message: expect.stringMatching(
        /"client" has a URL or options that "@redis\/client" rejects\. .*encodeURI/,
      ),
    });
  });
});
