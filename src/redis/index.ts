export { redisLog, type RedisLog } from './redis-log.js';
export type { RedisLogOptions, RedisRetention } from './redis-log.options.js';
export { redisSlots, type RedisSlots } from './redis-slots.js';
export type { RedisSlotsOptions } from './redis-slots.options.js';
export type { RedisClientLike, RedisConnection } from './redis-link.js';
