/**
 * What a channel remembers besides its entries, in the hash `meta`: e epoch, t and n the newest place, b bytes ever
 * appended, f how many of them came before the oldest entry (at least), o and p the last own id and its place.
 *
 * A channel begins with the epoch `fresh`, also if only its entries are left, and if somebody knows of an entry of this
 * epoch that is not there: an older state came back, after a restart or a failover.
 */
export const REMEMBER = `
local function text(number) return string.format('%.0f', number) end

local function field(entry, name)
  for i = 1, #entry[2], 2 do
    if entry[2][i] == name then return entry[2][i + 1] end
  end
end

-- Whether an entry that was there is not any more, although one before it, or in its place, is.
local function is_lost(log, state, known)
  local known_us, known_count = known:match('^(%d+)-(%d+)$')
  known_us, known_count = tonumber(known_us), tonumber(known_count)
  if state.count <= known_count then return state.count < known_count or state.us ~= known_us end
  if known_count == 0 or redis.call('XRANGE', log, known, known)[1] then return false end
  local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  return oldest and tonumber(oldest[1]:match('-(%d+)$')) <= known_count
end

local function remember(log, meta, fresh, known_epoch, known)
  local m = redis.call('HMGET', meta, 'e', 't', 'n', 'b', 'f', 'o', 'p')
  local state = {
    epoch = m[1], us = tonumber(m[2] or 0), count = tonumber(m[3] or 0), bytes = tonumber(m[4] or 0),
    base = tonumber(m[5] or 0), own = m[6], own_at = m[7],
  }
  if state.epoch and not (state.epoch == known_epoch and is_lost(log, state, known)) then return state end
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
  state.epoch = fresh
  redis.call('HSET', meta, 'e', fresh, 't', text(state.us), 'n', text(state.count), 'b', text(state.bytes))
  return state
end
`;

/** The order of own ids, as `compareEventIds` has it: below, above or at 0; nil if they have none. */
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
