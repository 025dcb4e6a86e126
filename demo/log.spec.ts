import { memoryLog } from 'nestjs-event-stream';
import { postgresLog } from 'nestjs-event-stream/postgres';
import { redisLog } from 'nestjs-event-stream/redis';
import { logFromEnvironment } from './log.js';

describe('logFromEnvironment', () => {
  it('keeps events in memory unless a URL of Redis or PostgreSQL is set', async () => {
    for (const env of [{}, { REDIS_URL: '', DATABASE_URL: '' }]) {
      expect((await logFromEnvironment(env)).constructor).toBe(memoryLog().constructor);
    }
    const log = await logFromEnvironment({ REDIS_URL: 'redis://localhost:1' });
    expect(log.constructor).toBe(redisLog({ client: 'redis://localhost:1' }).constructor);
    const client = 'postgres://localhost:1/demo';
    const postgres = await logFromEnvironment({ DATABASE_URL: client });
    expect(postgres.constructor).toBe(postgresLog({ client }).constructor);
  });

  it('rejects an address that is not a valid URL', async () => {
    await expect(logFromEnvironment({ REDIS_URL: 'localhost' })).rejects.toThrow('REDIS_URL is "localhost"');
    await expect(logFromEnvironment({ DATABASE_URL: 'db' })).rejects.toThrow('DATABASE_URL is "db"');
  });
});
