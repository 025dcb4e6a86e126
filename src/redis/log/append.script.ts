import { COMPARE_IDS, REMEMBER } from './lua.js';
import { redisScript } from '../link/redis-script.js';

/**
 * Appends what one process has waiting for a channel: groups of records, each group all or none.
 *
 * A receipt makes it safe to ask again when no answer came: the same batch is answered, not repeated, and a batch from
 * before the last one is refused.
 *
 * KEYS: log, meta, receipt. ARGV: epoch to begin with, epoch and newest place known to the caller, maxEvents, maxBytes, maxAge in
 * microseconds (0 is no bound), '~' or '=', lives of log, meta and receipt in ms (0 is for ever), number of the batch,
 * publish command, pub/sub channel, bytes up to which a notice carries its entries; then for each group the number of its
 * records, and for each of these its header, frame, bytes and own id ('' is none).
 *
 * Answers JSON: epoch, microseconds, and for each group the count of its first record, or the own id that is out of order
 * and the one before it.
 */
export const APPEND_SCRIPT = redisScript(
  REMEMBER,
  COMPARE_IDS,
  `
local log, meta, receipt = KEYS[1], KEYS[2], KEYS[3]
local max_events, max_bytes, max_age, op = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]
local batch = tonumber(ARGV[11])

local done = redis.call('GET', receipt)
if done then
  local number, answer = done:match('^(%d+) (.*)$')
  if tonumber(number) == batch then return answer end
  if tonumber(number) > batch then return redis.error_reply('STALEBATCH a later one was appended') end
end

local m = remember(log, meta, ARGV[1], ARGV[2], ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
if now < m.us then now = m.us end

-- The id that is out of order in a group, and the one before it.
local function disorder(at, count)
  local last = m.own
  for i = at, at + (count - 1) * 4, 4 do
    local id = ARGV[i + 3]
    if id ~= '' then
      if last then
        local order = compare(id, last)
        if not order or order <= 0 then return id, last end
      end
      last = id
    end
  end
end

local first, size, parts, answers = m.count + 1, 0, {}, {}
local at = 15
while at <= #ARGV do
  local count = tonumber(ARGV[at])
  at = at + 1
  local id, last = disorder(at, count)
  if id then
    answers[#answers + 1] = cjson.encode({ id, last })
  else
    answers[#answers + 1] = text(m.count + 1)
    for i = at, at + (count - 1) * 4, 4 do
      local header, frame, bytes, own = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), ARGV[i + 3]
      m.count, m.bytes = m.count + 1, m.bytes + bytes
      local place = text(now) .. '-' .. text(m.count)
      local add = { 'XADD', log }
      if max_events > 0 then
        add[3], add[4], add[5] = 'MAXLEN', op, ARGV[4]
      end
      local from = #add
      add[from + 1], add[from + 2], add[from + 3] = place, 'c', text(m.bytes)
      add[from + 4], add[from + 5], add[from + 6], add[from + 7] = 'h', header, 'f', frame
      from = from + 7
      if own ~= '' then
        add[from + 1], add[from + 2] = 'i', own
        from = from + 2
      end
      if m.own then
        add[from + 1], add[from + 2] = 'o', m.own_at .. ' ' .. m.own
      end
      redis.call(unpack(add))
      if own ~= '' then m.own, m.own_at = own, place end
      size = size + bytes
      parts[#parts + 1] = header .. '\\n' .. own .. '\\n' .. frame
    end
  end
  at = at + count * 4
end

local answer = '["' .. m.epoch .. '",' .. text(now) .. ',[' .. table.concat(answers, ',') .. ']]'
if m.count < first then return answer end

-- Age is exact where it is looked at. Bytes: how many were ever appended up to an entry is part of it.
if max_age > 0 then redis.call('XTRIM', log, 'MINID', '=', text(math.max(now - max_age, 0))) end
local base = m.base
while max_bytes > 0 and m.bytes - base > max_bytes do
  local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 16)
  local gone
  for i, entry in ipairs(oldest) do
    local total = tonumber(field(entry, 'c')) or base
    local before = total - #(field(entry, 'f') or '')
    if i == 1 and before > base then base = before end
    if m.bytes - base <= max_bytes then break end
    base, gone = math.max(base, total), entry[1]
  end
  if not gone then break end
  local us, count = gone:match('^(%d+)-(%d+)$')
  redis.call('XTRIM', log, 'MINID', '=', us .. '-' .. text(count + 1))
end

redis.call('HSET', meta, 'e', m.epoch, 't', text(now), 'n', text(m.count), 'b', text(m.bytes), 'f', text(base))
if m.own then redis.call('HSET', meta, 'o', m.own, 'p', m.own_at) end
if tonumber(ARGV[8]) > 0 then redis.call('PEXPIRE', log, ARGV[8]) end
if tonumber(ARGV[9]) > 0 then redis.call('PEXPIRE', meta, ARGV[9]) end
redis.call('SET', receipt, ARGV[11] .. ' ' .. answer, 'PX', ARGV[10])
local notice = m.epoch .. ' ' .. text(now) .. ' ' .. text(first) .. ' ' .. text(m.count)
if size <= tonumber(ARGV[14]) then notice = notice .. '\\n' .. table.concat(parts) end
redis.call(ARGV[12], ARGV[13], notice)
return answer
`,
);
