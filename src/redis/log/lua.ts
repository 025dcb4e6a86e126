/** The arguments from which a script decides whether a channel has lost entries. */
export type EpochArguments = readonly [
  /** The random end of a new epoch. */
  suffix: string,
  /** The latest epoch and entry id that the caller knows; an empty epoch and `0-0` if it knows none. */
  knownEpoch: string,
  knownId: string,
  /** Whether the known epoch has lost entries. */
  lost: '1' | '',
];

/** The number of earlier epochs of a channel whose latest place is kept. */
const MAX_PREVIOUS = 8;

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
 * | `k` | the latest places of earlier epochs that the process that began `e` knew, as `<epoch> <id>`, the latest epoch first |
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

-- A place that a process knows: the epoch, and the id of an entry
local function known_place(epoch, id, lost)
  local us, count = id:match('^(%d+)-(%d+)$')
  return { epoch = epoch, id = id, us = tonumber(us), count = tonumber(count), lost = lost == '1' }
end

-- True if the known entry of this epoch is missing and was not evicted: the channel ends before it, has another entry with
-- its count, or still has an older entry.
local function is_lost(log, state, known)
  if known.lost or state.count < known.count or state.us < known.us then return true end
  if state.count == known.count then return state.us ~= known.us end
  if known.count == 0 or redis.call('XRANGE', log, known.id, known.id)[1] then return false end
  local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  return oldest and tonumber(oldest[1]:match('-(%d+)$')) <= known.count
end

-- True if a place shows that another of its epoch existed before it, or is the same one.
local function covers(place, other)
  if place.count == other.count then return place.us == other.us end
  return place.count > other.count and place.us >= other.us
end

-- isReported() of history.ts
local function is_reported(state, known)
  if #state.previous == 0 or born(state.previous[1].epoch) < born(known.epoch) then return false end
  for _, place in ipairs(state.previous) do
    if place.epoch == known.epoch then return covers(place, known) end
  end
  return known.us < born(state.epoch)
end

local function has_lost(log, state, known, life_ms)
  if state.epoch == known.epoch then return is_lost(log, state, known) end
  if born(state.epoch) < born(known.epoch) then return true end
  if known.count == 0 or is_reported(state, known) then return false end
  if redis.call('XRANGE', log, known.id, known.id)[1] then return false end
  return tonumber(life_ms) == 0 or born(state.epoch) - known.us <= life_ms * 1000
end

-- The places of earlier epochs for a new epoch: those of the epoch in Redis, its end, and the known place. In the epoch
-- that Redis has, the known place counts, because its entries are the ones that are lost. Those of Redis are in the log.
local function earlier(state, known)
  local latest, places = {}, {}
  local function add(place)
    local other = latest[place.epoch]
    if place.epoch ~= '' and not (other and covers(other, place)) then latest[place.epoch] = place end
  end
  for _, place in ipairs(state.previous) do add(place) end
  if state.epoch and state.epoch ~= known.epoch then
    add(known_place(state.epoch, text(state.us) .. '-' .. text(state.count)))
  end
  add(known)
  for _, place in pairs(latest) do places[#places + 1] = place end
  table.sort(places, function(a, b) return born(a.epoch) > born(b.epoch) end)
  while #places > ${MAX_PREVIOUS} do places[#places] = nil end
  return places
end

local function format(places)
  local parts = {}
  for i, place in ipairs(places) do parts[i] = place.epoch .. ' ' .. place.id end
  return table.concat(parts, ' ')
end

-- life_ms: how long Redis remembers the channel. 0 means forever. The rest is EpochArguments.
local function remember(log, meta, life_ms, suffix, ...)
  local known = known_place(...)
  local m = redis.call('HMGET', meta, 'e', 't', 'n', 'b', 'f', 'o', 'p', 'k')
  local state = {
    epoch = m[1], us = tonumber(m[2] or 0), count = tonumber(m[3] or 0), bytes = tonumber(m[4] or 0),
    base = tonumber(m[5] or 0), own = m[6], own_at = m[7], previous = {},
  }
  for epoch, id in (m[8] or ''):gmatch('(%S+) (%S+)') do
    state.previous[#state.previous + 1] = known_place(epoch, id)
  end
  if state.epoch and not has_lost(log, state, known, life_ms) then return state end
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
  state.previous = earlier(state, known)
  local latest = state.previous[1] and born(state.previous[1].epoch) or 0
  state.epoch = sortable(math.max(clock(), latest + 1)) .. suffix
  redis.call('HSET', meta, 'e', state.epoch, 'k', format(state.previous), 't', text(state.us), 'n', text(state.count),
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
