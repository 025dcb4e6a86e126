import { redisScript } from '../link/redis-script.js';

/**
 * The leases of a key are in two sorted sets. Their scores are the time of expiry in ms (`until`) and the time of the grant in
 * microseconds (`since`). A lease exists if it is in `until`. The set `since` only gives the order, and a member that is only
 * in `since` is a leftover.
 */
const COMMON = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local now_us = string.format('%.0f', time[1] * 1000000 + time[2])

local function drop_expired(ends, since)
  for _, lease in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', now)) do
    redis.call('ZREM', ends, lease)
    redis.call('ZREM', since, lease)
  end
end

local function add(ends, since, lease, life, from)
  redis.call('ZADD', since, from, lease)
  redis.call('ZADD', ends, now + life, lease)
end

local function keep(ends, since, life)
  redis.call('PEXPIRE', ends, life * 2)
  redis.call('PEXPIRE', since, life * 2)
end
`;

/**
 * Grants one lease under each of several keys, or none of them.
 *
 * | argument | value |
 * | --- | --- |
 * | `KEYS[2 * i - 1]`, `KEYS[2 * i]` | `until` and `since` of key `i`, counted from 1 |
 * | `ARGV[1]` | lifetime in ms |
 * | `ARGV[3 * i - 1]` | the lease for key `i` |
 * | `ARGV[3 * i]` | the limit of key `i` |
 * | `ARGV[3 * i + 1]` | `'1'` to evict the oldest lease of key `i` if the limit is reached |
 *
 * Returns { 0, the time of the grant, the evicted leases }, or { the number of the first key whose limit is reached }.
 */
export const ACQUIRE_SCRIPT = redisScript(
  COMMON,
  `
local life, count = ARGV[1], #KEYS / 2
for i = 1, count do
  local ends, since = KEYS[2 * i - 1], KEYS[2 * i]
  drop_expired(ends, since)
  if ARGV[3 * i + 1] ~= '1' and not redis.call('ZSCORE', ends, ARGV[3 * i - 1]) then
    if redis.call('ZCARD', ends) >= tonumber(ARGV[3 * i]) then return { i } end
  end
end
local evicted = {}
for i = 1, count do
  local ends, since, lease, max = KEYS[2 * i - 1], KEYS[2 * i], ARGV[3 * i - 1], tonumber(ARGV[3 * i])
  -- If the lease is already in the set, because a renewal came first, nothing has to be evicted.
  local held = redis.call('ZSCORE', ends, lease) and -1 or redis.call('ZCARD', ends)
  while held >= max do
    -- If since has no members, evict the lease that would expire first.
    local oldest = redis.call('ZRANGE', since, 0, 0)[1] or redis.call('ZRANGE', ends, 0, 0)[1]
    redis.call('ZREM', since, oldest)
    if redis.call('ZREM', ends, oldest) == 1 then
      evicted[#evicted + 1] = oldest
      held = held - 1
    end
  end
  add(ends, since, lease, life, now_us)
  keep(ends, since, life)
end
return { 0, now_us, evicted }
`,
);

/**
 * Removes leases of one key and renews others. Leases that are missing are granted again if there is room.
 *
 * KEYS: until, since. ARGV: lifetime in ms, the limit, the number of leases to remove, these leases, then each lease to renew and
 * the time of its grant ('' means now). Returns { now in microseconds, the leases without room }.
 */
export const RENEW_SCRIPT = redisScript(
  COMMON,
  `
local ends, since, life, max = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2])
local lost, evicted = {}, {}
local first = 4 + ARGV[3]
for i = 4, first - 1 do
  redis.call('ZREM', ends, ARGV[i])
  redis.call('ZREM', since, ARGV[i])
end
for i = first, #ARGV, 2 do
  -- A lease that has expired but is still in the set can be renewed, because no other lease has replaced it.
  if redis.call('ZSCORE', ends, ARGV[i]) then
    redis.call('ZADD', ends, now + life, ARGV[i])
  else
    lost[#lost + 1] = i
  end
end
drop_expired(ends, since)
local held = redis.call('ZCARD', ends)
for _, i in ipairs(lost) do
  if held < max then
    add(ends, since, ARGV[i], life, ARGV[i + 1] ~= '' and ARGV[i + 1] or now_us)
    held = held + 1
  else
    evicted[#evicted + 1] = ARGV[i]
  end
end
keep(ends, since, life)
return { now_us, evicted }
`,
);

/** Releases leases. KEYS: until and since of each lease. ARGV: the leases. */
export const RELEASE_SCRIPT = redisScript(`
for i = 1, #ARGV do
  redis.call('ZREM', KEYS[2 * i - 1], ARGV[i])
  redis.call('ZREM', KEYS[2 * i], ARGV[i])
end
return 0
`);
