/**
 * Reads the state of a channel, and begins a new epoch if the channel has none or has lost entries that the caller knows of.
 * `KnownHistory` in history.ts lists the facts that show a loss. A new epoch is later than both the epoch in Redis and the
 * one that the caller knows. So it differs from an old epoch that reappears when Redis restores older data.
 *
 * The state is in the hash `meta`:
 *
 * | field | value |
 * | --- | --- |
 * | `e` | the epoch |
 * | `k` | the latest epoch before `e` that the process that began `e` knew |
 * | `t`, `n` | the newest place: microseconds and count |
 * | `b` | the bytes of all entries that were ever appended |
 * | `f` | a lower bound of the bytes of all entries before the oldest one that is kept |
 * | `o`, `p` | the last own id, and its place |
 */
export const REMEMBER = `
local function text(number) return string.format('%.0f', number) end

local function field(entry, name)
  for i = 1, #entry[2], 2 do
    if entry[2][i] == name then return entry[2][i + 1] end
  end
end

-- Microseconds since 1970.
local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

-- sortableNumber() of cursor.ts
local function sortable(number)
  local digits = ''
  repeat
    local digit = number % 36
    digits = ('0123456789abcdefghijklmnopqrstuvwxyz'):sub(digit + 1, digit + 1) .. digits
    number = (number - digit) / 36
  until number == 0
  return ('0123456789abcdefghijklmnopqrstuvwxyz'):sub(#digits + 1, #digits + 1) .. digits
end

-- bornAt() of place.ts
local function born(epoch)
  local digits = tonumber(epoch:sub(1, 1), 36) or 0
  return tonumber(epoch:sub(2, 1 + digits), 36) or 0
end

-- True if the known entry of this epoch is missing and was not evicted: the channel ends before it, has another entry with
-- its count, or still has an older entry.
local function is_lost(log, state, known)
  local known_us, known_count = known:match('^(%d+)-(%d+)$')
  known_us, known_count = tonumber(known_us), tonumber(known_count)
  if state.count < known_count or state.us < known_us then return true end
  if state.count == known_count then return state.us ~= known_us end
  if known_count == 0 or redis.call('XRANGE', log, known, known)[1] then return false end
  local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  return oldest and tonumber(oldest[1]:match('-(%d+)$')) <= known_count
end

local function has_lost(log, state, known_epoch, known, life_ms)
  if state.epoch == known_epoch then return is_lost(log, state, known) end
  if born(state.epoch) < born(known_epoch) then return true end
  local us, count = known:match('^(%d+)-(%d+)$')
  if count == '0' or born(state.previous or '') >= born(known_epoch) then return false end
  return tonumber(life_ms) == 0 or born(state.epoch) - us <= life_ms * 1000
end

-- life_ms: how long Redis remembers the channel. 0 means forever.
local function remember(log, meta, suffix, known_epoch, known, life_ms)
  local m = redis.call('HMGET', meta, 'e', 't', 'n', 'b', 'f', 'o', 'p', 'k')
  local state = {
    epoch = m[1], us = tonumber(m[2] or 0), count = tonumber(m[3] or 0), bytes = tonumber(m[4] or 0),
    base = tonumber(m[5] or 0), own = m[6], own_at = m[7], previous = m[8],
  }
  if state.epoch and not has_lost(log, state, known_epoch, known, life_ms) then return state end
  if not state.epoch and redis.call('EXISTS', log) == 1 then
    local info = redis.call('XINFO', 'STREAM', log)
    for i = 1, #info, 2 do
      if info[i] == 'last-generated-id' then
        local us, count = info[i + 1]:match('^(%d+)-(%d+)$')
        state.us, state.count = tonumber(us), tonumber(count)
      end
    end
    local newest = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
    if newest then
      state.bytes, state.own, state.own_at = tonumber(field(newest, 'c')) or 0, field(newest, 'i'), newest[1]
      if not state.own then state.own_at, state.own = (field(newest, 'o') or ''):match('^(%S+) (.*)$') end
    end
    if state.own then redis.call('HSET', meta, 'o', state.own, 'p', state.own_at) end
  end
  local found = state.epoch or ''
  state.previous = born(found) > born(known_epoch) and found or known_epoch
  state.epoch = sortable(math.max(clock(), born(state.previous) + 1)) .. suffix
  redis.call('HSET', meta, 'e', state.epoch, 'k', state.previous, 't', text(state.us), 'n', text(state.count),
    'b', text(state.bytes))
  return state
end
`;

/** Compares two own ids in the same way as `compareEventIds()`. Nil if they are not comparable. */
export const COMPARE_IDS = `
local function by_bytes(a, b)
  for i = 1, #a do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x - y end
  end
  return 0
end

local function compare(a, b)
  if a:find('^%d+$') and b:find('^%d+$') then
    a, b = a:match('^0*(%d.*)$'), b:match('^0*(%d.*)$')
    if #a ~= #b then return #a - #b end
  end
  if #a == #b then return by_bytes(a, b) end
end
`;
