import { memoryLog } from 'nestjs-event-stream';
import { redisLog } from 'nestjs-event-stream/redis';
import { logFromEnvironment } from './log.js';

describe('logFromEnvironment', () => {
  it('keeps events in memory unless it is told of a Redis', async () => {
    for (const env of [{}, { REDIS_URL: '' }]) {
      expect((await logFromEnvironment(env)).constructor).toBe(memoryLog().constructor);
    }
    const log = await logFromEnvironment({ REDIS_URL: 'redis://localhost:1' });
    expect(log.constructor).toBe(redisLog({ client: 'redis://localhost:1' }).constructor);
  });

  it('refuses an address that is none', async () => {
    await expect(logFromEnvironment({ REDIS_URL: 'localhost' })).rejects.toThrow('REDIS_URL is "localhost"');
  });
});
