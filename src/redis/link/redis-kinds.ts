import type { OptionKind } from '../../checking/option-check.js';
import { anything, kind, required } from '../../checking/option-kinds.js';

/** Default of the option `prefix`. */
export const DEFAULT_PREFIX = 'sse:';
/** Default of the option `pingMs`. */
export const DEFAULT_PING_MS = 5000;

/** The option `client`. `createLink()` checks its value. */
export const redisClient: OptionKind = required({
  ...anything,
  words: ['a client of "@redis/client" or "ioredis", client options, or a URL'],
});

/** The option `prefix`. Braces are not allowed, because a hash tag in the prefix would override the one of the channel. */
export const redisPrefix: OptionKind = kind(
  (value) => typeof value === 'string' && !/[{}]/.test(value),
  'a string without braces',
);
