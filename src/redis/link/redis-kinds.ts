import type { OptionKind } from '../../checking/option-check.js';
import { anything, kind, required } from '../../checking/option-kinds.js';

/** Of the option `prefix`, of everything that uses Redis. */
export const DEFAULT_PREFIX = 'sse:';
/** Of the option `pingMs`. */
export const DEFAULT_PING_MS = 5000;

/** The option `client`. `createLink()` finds out what it is. */
export const redisClient: OptionKind = required({
  ...anything,
  words: ['what createClient(), createCluster() or createSentinel() returned, client options, or a URL'],
});

/** The option `prefix`. Braces would decide on the cluster slot of a key. */
export const redisPrefix: OptionKind = kind(
  (value) => typeof value === 'string' && !/[{}]/.test(value),
  'a string without braces',
);
