import { REMEMBER } from './lua.js';
import { redisScript } from '../link/redis-script.js';

/**
 * Makes sure that a channel has an epoch.
 *
 * KEYS: log, meta. ARGV: `EpochArguments`, and the life of meta in ms (0 means forever). Returns the epoch, the microseconds
 * and the count of the newest place, and the places of earlier epochs.
 */
export const OPEN_SCRIPT = redisScript(
  REMEMBER,
  `
local meta_life = ARGV[5]
local m = remember(KEYS[1], KEYS[2], meta_life, unpack(ARGV, 1, 4))
if tonumber(meta_life) > 0 then redis.call('PEXPIRE', KEYS[2], meta_life) end
return { m.epoch, text(m.us), text(m.count), format(m.previous) }
`,
);
