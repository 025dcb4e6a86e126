import { redisScript } from '../link/redis-script.js';

/**
 * Stores the state of a fold in place of another one.
 *
 * KEYS: meta. ARGV: the fold, the epoch and the entry id of the new position, the new position, the position of the state that it
 * replaces or an empty text, and the state. Returns 1, or 0 if it was refused.
 *
 * Lua compares texts by the locale of Redis. Positions have only lower-case letters, digits, `-` and `_`, so they are compared byte
 * by byte here.
 */
export const SNAPSHOT_SCRIPT = redisScript(`
local meta = KEYS[1]
local fold, epoch, id, position, replaces, state = unpack(ARGV)

local function is_after(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x > y end
  end
  return #a > #b
end

local m = redis.call('HMGET', meta, 'e', 't', 'n', 'sp:' .. fold)
if m[1] ~= epoch then return 0 end
local us, count = id:match('^(%d+)-(%d+)$')
if tonumber(count) > tonumber(m[3]) or tonumber(us) > tonumber(m[2]) then return 0 end
local stored = m[4]
if stored then
  -- A state of an earlier epoch counts as none.
  local is_current = stored:sub(1, #epoch + 1) == epoch .. '-'
  if is_current and stored ~= replaces then return 0 end
  if not is_current and replaces ~= '' then return 0 end
  if not is_after(position, stored) then return 0 end
elseif replaces ~= '' then
  return 0
end
redis.call('HSET', meta, 'sp:' .. fold, position, 'ss:' .. fold, state)
return 1
`);
