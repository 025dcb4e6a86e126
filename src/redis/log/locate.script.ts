import { COMPARE_IDS, REMEMBER } from './lua.js';
import { redisScript } from '../link/redis-script.js';

/**
 * Finds the entry with an own id, or else the last entry before it that has an own id.
 *
 * Each entry stores the own id before it and the place of that id (field `o`). So it is enough to find the first entry
 * beyond the id and to follow its field `o`. A binary search finds that entry, first by time, then by count.
 *
 * KEYS: log, meta. ARGV: the own id. Returns the epoch and the id of the entry in the stream, or nil.
 */
export const LOCATE_SCRIPT = redisScript(
  REMEMBER,
  COMPARE_IDS,
  `
local log, id = KEYS[1], ARGV[1]
local m = redis.call('HMGET', KEYS[2], 'e', 'o', 'p')
local epoch, newest = m[1], m[2]
local order = epoch and newest and compare(newest, id)
if not order or order < 0 then return false end
if order == 0 then return { epoch, m[3] } end

local function previous(entry) return (field(entry, 'o') or ''):match('^(%S+) (.*)$') end

local function beyond(entry)
  if not entry then return true end
  local own = field(entry, 'i')
  if not own then
    local _, before = previous(entry)
    if not before then return false end
    own = before
  end
  local order = compare(own, id)
  return not order or order > 0
end

local function place(entry)
  local us, count = entry[1]:match('^(%d+)-(%d+)$')
  return tonumber(us), tonumber(count)
end

local function at(from, to) return redis.call('XRANGE', log, from, to, 'COUNT', 1)[1] end

local found = at('-', '+')
if not found then return false end
if not beyond(found) then
  local low, first = place(found)
  local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
  local high = place(last) + 1
  while high - low > 1 do
    local middle = math.floor((low + high) / 2)
    local entry = at(text(middle), '+')
    if beyond(entry) then high = middle else low, first = place(entry) end
  end
  -- Entries of one append share their time.
  local _, until_count = place(redis.call('XREVRANGE', log, text(low), text(low), 'COUNT', 1)[1])
  until_count = until_count + 1
  while until_count - first > 1 do
    local middle = math.floor((first + until_count) / 2)
    if beyond(at(text(low) .. '-' .. text(middle), text(low))) then until_count = middle else first = middle end
  end
  found = at('(' .. text(low) .. '-' .. text(first), '+')
  if not found then return false end
end

-- The binary search is only valid if the ids are comparable.
local own = field(found, 'i')
if own and not compare(own, id) then return false end

local where, before = previous(found)
local reached = before and compare(id, before)
if reached and reached >= 0 then return { epoch, where } end
return false
`,
);
