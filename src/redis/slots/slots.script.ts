import { redisScript } from '../link/redis-script.js';

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/**
 * Takes a place. A lease is in two sorted sets: until when it lasts, in ms, and since when, in microseconds.
 *
 * KEYS: until, since. ARGV: the lease, max, life in ms, '1' to replace the oldest, since when ('' is now). Answers since
 * when, and the leases that have to go; nil if all places are taken.
 */
export const ACQUIRE_SCRIPT = redisScript(
  NOW,
  `
local ends, since, lease, max = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2])
for _, over in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', now)) do
  if over ~= lease then
    redis.call('ZREM', ends, over)
    redis.call('ZREM', since, over)
  end
end
local gone = {}
local begun = redis.call('ZSCORE', since, lease)
if not begun then
  local count = redis.call('ZCARD', since)
  if count >= max and ARGV[4] ~= '1' then return false end
  while count >= max do
    local oldest = redis.call('ZRANGE', since, 0, 0)[1]
    redis.call('ZREM', ends, oldest)
    redis.call('ZREM', since, oldest)
    gone[#gone + 1] = oldest
    count = count - 1
  end
  begun = ARGV[5] ~= '' and ARGV[5] or string.format('%.0f', time[1] * 1000000 + time[2])
  redis.call('ZADD', since, begun, lease)
end
redis.call('ZADD', ends, now + ARGV[3], lease)
redis.call('PEXPIRE', ends, ARGV[3] * 2)
redis.call('PEXPIRE', since, ARGV[3] * 2)
return { begun, unpack(gone) }
`,
);

/** Prolongs leases of one key. KEYS: until, since. ARGV: life in ms, then the leases. Answers those that are gone. */
export const RENEW_SCRIPT = redisScript(
  NOW,
  `
local gone = {}
for i = 2, #ARGV do
  if redis.call('ZSCORE', KEYS[1], ARGV[i]) then
    redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[i])
  else
    gone[#gone + 1] = ARGV[i]
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[1] * 2)
redis.call('PEXPIRE', KEYS[2], ARGV[1] * 2)
return gone
`,
);
