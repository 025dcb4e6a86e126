import type { ExecutionContext } from '@nestjs/common';
import type { OptionRule, OptionTable } from '../checking/option-check.js';
import { anyOf, func, group, kind, meant, oneOf, required, wholeNumber } from '../checking/option-kinds.js';

/**
 * The response to a connection beyond a limit: this HTTP status, `'retry'` (the delay to reconnect, then the end), or
 * `'replace'` (the oldest connection is closed instead).
 */
export type LimitAnswer = number | 'retry' | 'replace';

/** A limit of the open connections under one key. */
export interface LimitOptions {
  /**
   * Connections with the same key are counted together: those of a `'route'`, an `'ip'` or the `'process'`, or those for which a
   * function of the request returns the same text, such as the id of a user. If it returns `undefined`, there is no limit.
   */
  key: 'route' | 'ip' | 'process' | ((context: ExecutionContext) => string | undefined);
  /** The maximum number of open connections. A positive integer. */
  max: number;
  /**
   * The answer to a connection beyond the limit. A status is sent instead of a stream, and stops an `EventSource`, which never
   * reconnects after a 4xx or 5xx. `'retry'` (200, `retry:` and the end) makes it reconnect. `'replace'` closes the oldest
   * connection.
   * @default 429, 503 for `'process'`
   */
  status?: LimitAnswer;
  /** Milliseconds after which a rejected client may reconnect, sent as `Retry-After` or `retry:`. @default 5000 */
  retryMs?: number;
}

/** At most one connection per key: a `limit` whose `max` is 1. */
export type ExclusiveOptions = LimitOptions['key'] | Omit<LimitOptions, 'max'>;

/** Options that limit the number of open streams. */
export interface StreamLimitOptions {
  /**
   * The maximum number of connections. Several limits apply together. For pages use `status: 'retry'`, because the default 429
   * stops an `EventSource`. @default none
   */
  limit?: LimitOptions | LimitOptions[];
  /** At most one connection per key. For pages use `{ key, status: 'retry' }` or `'replace'`. @default none */
  exclusive?: ExclusiveOptions;
}

const limitKey = anyOf(oneOf('route', 'ip', 'process'), func('of the request'));
const limitStatus = kind(
  (value) => Number.isInteger(value) && (value as number) >= 400 && (value as number) <= 599,
  'a status from 400 to 599',
);

const EXCLUSIVE_TABLE = {
  key: required(limitKey),
  status: anyOf(oneOf('retry', 'replace'), limitStatus),
  retryMs: wholeNumber(0),
} satisfies OptionTable<Omit<LimitOptions, 'max'>>;

const { key, ...answer } = EXCLUSIVE_TABLE;
const LIMIT_TABLE = { key, max: required(wholeNumber(1)), ...answer } satisfies OptionTable<LimitOptions>;

/** Kinds of {@link StreamLimitOptions}. */
export const LIMITS_TABLE = {
  limit: meant(group(LIMIT_TABLE, 'a list of these'), (value) =>
    typeof value === 'number' ? `Write { key: 'route', max: ${value} }.` : undefined,
  ),
  exclusive: meant(anyOf(limitKey, group(EXCLUSIVE_TABLE)), (value) =>
    value === true
      ? "Write 'route' for one stream per route, 'ip' for one per address, or a function for one per user."
      : undefined,
  ),
} satisfies OptionTable<StreamLimitOptions>;

/** Default of {@link LimitOptions.retryMs}. */
const RETRY_MS = 5000;

/** A limit with all defaults filled in. */
export interface ResolvedLimit extends Required<LimitOptions> {
  /** The name of its option, such as `limit[1]`. */
  name: string;
  /** True for a limit of the module, which counts over all routes. */
  shared: boolean;
}

/** The limits that one level of options sets. */
export function resolveLimits(options: StreamLimitOptions, shared: boolean): ResolvedLimit[] {
  const { limit = [], exclusive } = options;
  const limits = Array.isArray(limit)
    ? limit.map((each, i) => resolveLimit(each, `limit[${i}]`, shared))
    : [resolveLimit(limit, 'limit', shared)];
  if (exclusive !== undefined) {
    const given = typeof exclusive === 'object' ? exclusive : { key: exclusive };
    limits.push(resolveLimit({ ...given, max: 1 }, 'exclusive', shared));
  }
  return limits;
}

function resolveLimit(options: LimitOptions, name: string, shared: boolean): ResolvedLimit {
  const { status = options.key === 'process' ? 503 : 429, retryMs = RETRY_MS } = options;
  return { key: options.key, max: options.max, status, retryMs, name, shared };
}

/** Rejects a limit that could never be reached, because the limit of the process is lower. */
export const LIMITS_RULES: readonly OptionRule<{ limits: readonly ResolvedLimit[] }>[] = [
  ({ limits }) => {
    const ofProcess = limits.find((limit) => limit.key === 'process');
    // A limit of the module also counts on routes that have no such limit.
    const beyond = limits.find(
      ({ max, shared }) => ofProcess && max > ofProcess.max && (ofProcess.shared || !shared),
    );
    return (
      beyond && {
        option: `${beyond.name}.max`,
        value: beyond.max,
        remedy: `It would never be reached, because the limit of the process is ${ofProcess?.max}. Lower it, or raise the other.`,
      }
    );
  },
];
