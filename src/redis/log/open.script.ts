import { REMEMBER } from './lua.js';
import { redisScript } from '../link/redis-script.js';

/**
 * Makes sure that a channel has an epoch.
 *
 * KEYS: log, meta. ARGV: epoch to begin with, epoch and newest place known to the caller, life of meta in ms (0 is for ever).
 * Answers the epoch, the microseconds and the count of the newest place.
 */
export const OPEN_SCRIPT = redisScript(
  REMEMBER,
  `
local m = remember(KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3])
if tonumber(ARGV[4]) > 0 then redis.call('PEXPIRE', KEYS[2], ARGV[4]) end
return { m.epoch, text(m.us), text(m.count) }
`,
);
