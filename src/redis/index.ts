export { redisLog, type RedisLog } from './redis-log.js';
export type { RedisLogOptions, RedisRetention } from './redis-log.options.js';
export type { RedisClientLike, RedisConnection } from './redis-link.js';
