import type { KeptEvents } from '../../log/event-log.js';
import type { RedisLink } from '../link/redis-link.js';
import { redisScript, runScript } from '../link/redis-script.js';
import { parseEntryId } from './place.js';

/**
 * The entries that a stream keeps. The counts in their ids have no holes, and each entry has the sum of all bytes until then, so
 * two entries tell.
 *
 * KEYS: log. Returns nil for an empty stream, else the ids of the oldest and the newest entry, and the bytes between them.
 */
const KEPT_SCRIPT = redisScript(`
local function field(entry, name)
  for i = 1, #entry[2], 2 do
    if entry[2][i] == name then return entry[2][i + 1] end
  end
end

local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
if not oldest then return false end
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local bytes = (field(newest, 'c') or 0) - (field(oldest, 'c') or 0) + #(field(oldest, 'f') or '')
return { oldest[1], newest[1], string.format('%.0f', bytes) }
`);

/** The entries that the stream with this key keeps. */
export async function keptIn(link: RedisLink, key: string): Promise<KeptEvents> {
  const found = (await runScript(link, KEPT_SCRIPT, [key], [])) as [string, string, string] | null;
  if (!found) return { events: 0, bytes: 0, oldestAt: undefined };
  const [oldest, newest] = [parseEntryId(found[0]), parseEntryId(found[1])];
  return {
    events: newest.count - oldest.count + 1,
    bytes: Number(found[2]),
    oldestAt: Math.floor(oldest.us / 1000),
  };
}
