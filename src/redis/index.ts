export { redisLog, type RedisLog } from './log/redis-log.js';
export type { RedisLogOptions, RedisRetention } from './log/redis-log.options.js';
export { redisSlots, type RedisSlots } from './slots/redis-slots.js';
export type { RedisSlotsOptions } from './slots/redis-slots.options.js';
export type { RedisClientLike, RedisConnection } from './link/redis-link.js';
