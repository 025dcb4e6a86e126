import type { LogRecord } from '../../log/log-record.js';
import { redisScript } from '../link/redis-script.js';
import { COMPARE_IDS, REMEMBER, type EpochArguments } from './lua.js';
import { encodeHeader } from '../../log/remote/stored-record.js';

/** Arguments of {@link APPEND_SCRIPT}: `ARGV` in this order, then the groups. */
export interface AppendArguments {
  readonly epoch: EpochArguments;
  /** Retention. 0 means unlimited. */
  readonly maxEvents: number;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  /** False if Redis may keep up to one internal block of the stream more than `maxEvents`, which is cheaper. */
  readonly exact: boolean;
  /** How long Redis keeps the keys, in milliseconds. 0 means forever. */
  readonly logLifeMs: number;
  readonly metaLifeMs: number;
  readonly receiptLifeMs: number;
  /** The number of the batch. It grows with each new batch of a process. */
  readonly batch: number;
  /** `PUBLISH` or `SPUBLISH`, and the pub/sub channel of the announcement. */
  readonly publishCommand: string;
  readonly notice: string;
  /** The announcement includes the entries if they have at most this size. */
  readonly noticeBytes: number;
}

/** `ARGV` of {@link APPEND_SCRIPT}. Each group of records is appended as a whole or not at all. */
export function appendArgv(args: AppendArguments, groups: readonly (readonly LogRecord[])[]): string[] {
  const argv = [
    ...args.epoch,
    `${args.maxEvents}`,
    `${args.maxBytes}`,
    `${args.maxAgeMs * 1000}`,
    args.exact ? '=' : '~',
    `${args.logLifeMs}`,
    `${args.metaLifeMs}`,
    `${args.receiptLifeMs}`,
    `${args.batch}`,
    args.publishCommand,
    args.notice,
    `${args.noticeBytes}`,
  ];
  for (const records of groups) {
    argv.push(`${records.length}`);
    for (const record of records) {
      argv.push(encodeHeader(record), record.frame, `${record.bytes}`, record.id ?? '');
    }
  }
  return argv;
}

/** The answer of {@link APPEND_SCRIPT}, as JSON. */
export type AppendAnswer = readonly [
  epoch: string,
  us: number,
  /** For each group: the count of its first record, or the own id that is out of order and the id before it. */
  groups: readonly (number | readonly [id: string, last: string])[],
  /** The error of the first command that Redis refused after it had added the entries. */
  problem?: string,
];

/**
 * Appends one batch of a process to a channel. KEYS: log, meta, receipt. ARGV: see {@link appendArgv}.
 *
 * **An append takes effect at most once.** A writer sends one batch at a time and gives each a number that grows. The script
 * keeps the number and answer of the writer's last batch as a receipt, in the same step as the entries. If a connection
 * breaks before the answer arrives, the writer sends the same batch again:
 *
 * - If the first command took effect, the receipt has this number, and the script returns the kept answer.
 * - If it did not, the receipt has a lower number, and the script appends.
 * - If it was only delayed and arrives after a later batch, the receipt has a higher number, and the script refuses it.
 *
 * A batch whose outcome is unknown must therefore not change until it is answered. The receipt expires later than the
 * writer stops retrying.
 *
 * **A rejected append has not taken effect.** Redis does not undo the commands of a script that fails. Every reason to
 * refuse shows at the first `XADD` at the latest: Redis is out of memory, it is a replica, the key has another type, or the
 * user lacks the rights to read or append. The commands after the entries (trimming, expiry, receipt, announcement) can
 * fail only because the user lacks rights. They do not fail the append, because its entries are in the log. The answer
 * carries the first such error.
 */
export const APPEND_SCRIPT = redisScript(
  REMEMBER,
  COMPARE_IDS,
  `
local log, meta, receipt = KEYS[1], KEYS[2], KEYS[3]
-- AppendArguments, in order
local max_events, max_bytes, max_age, trim, log_life, meta_life, receipt_life, batch, publish_command, notice_channel,
  notice_bytes = unpack(ARGV, 5, 15)
local first_group, fields = 16, 4

local done = redis.call('GET', receipt)
if done then
  local number, answer = done:match('^(%d+) (.*)$')
  if tonumber(number) == tonumber(batch) then return answer end
  if tonumber(number) > tonumber(batch) then return redis.error_reply('STALEBATCH a later one was appended') end
end

local m = remember(log, meta, meta_life, unpack(ARGV, 1, 4))
local now = math.max(clock(), m.us)

-- The own id that is out of order in a group, and the id before it.
local function disorder(at, count)
  local last = m.own
  for i = at, at + (count - 1) * fields, fields do
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
local at = first_group
while at <= #ARGV do
  local count = tonumber(ARGV[at])
  at = at + 1
  local id, last = disorder(at, count)
  if id then
    answers[#answers + 1] = cjson.encode({ id, last })
  else
    answers[#answers + 1] = text(m.count + 1)
    for i = at, at + (count - 1) * fields, fields do
      local header, frame, bytes, own = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), ARGV[i + 3]
      m.count, m.bytes = m.count + 1, m.bytes + bytes
      local place = text(now) .. '-' .. text(m.count)
      local add = { 'XADD', log }
      if tonumber(max_events) > 0 then
        add[3], add[4], add[5] = 'MAXLEN', trim, max_events
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
  at = at + count * fields
end

local answer = '["' .. m.epoch .. '",' .. text(now) .. ',[' .. table.concat(answers, ',') .. ']'
if m.count < first then return answer .. ']' end

-- The entries are in the log. From here on no error may fail the append.
local problem
local function attempt(...)
  local reply = redis.pcall(...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  problem = problem or reply.err
end

-- The times of entries are exact, so MINID trims by age. To trim by bytes, each entry has the total of all bytes that the
-- channel had up to it, in the field c.
if tonumber(max_age) > 0 then attempt('XTRIM', log, 'MINID', '=', text(math.max(now - max_age, 0))) end
local base, bound = m.base, tonumber(max_bytes)
while bound > 0 and m.bytes - base > bound and not problem do
  local gone
  for i, entry in ipairs(attempt('XRANGE', log, '-', '+', 'COUNT', 16) or {}) do
    local total = tonumber(field(entry, 'c')) or base
    local before = total - #(field(entry, 'f') or '')
    if i == 1 and before > base then base = before end
    if m.bytes - base <= bound then break end
    base, gone = math.max(base, total), entry[1]
  end
  if not gone then break end
  local us, count = gone:match('^(%d+)-(%d+)$')
  attempt('XTRIM', log, 'MINID', '=', us .. '-' .. text(count + 1))
end

attempt('HSET', meta, 'e', m.epoch, 't', text(now), 'n', text(m.count), 'b', text(m.bytes), 'f', text(base))
if m.own then attempt('HSET', meta, 'o', m.own, 'p', m.own_at) end
if tonumber(log_life) > 0 then attempt('PEXPIRE', log, log_life) end
if tonumber(meta_life) > 0 then attempt('PEXPIRE', meta, meta_life) end
attempt('SET', receipt, batch .. ' ' .. answer .. ']', 'PX', receipt_life)
local notice = m.epoch .. ' ' .. text(now) .. ' ' .. text(first) .. ' ' .. text(m.count)
if size <= tonumber(notice_bytes) then notice = notice .. '\\n' .. table.concat(parts) end
attempt(publish_command, notice_channel, notice)
if problem then answer = answer .. ',' .. cjson.encode(problem) end
return answer .. ']'
`,
);
