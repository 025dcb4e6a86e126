import type { ExecutionContext } from '@nestjs/common';
import type { OptionRule, OptionTable } from '../checking/option-check.js';
import { anyOf, func, group, kind, meant, oneOf, required, wholeNumber } from '../checking/option-kinds.js';

/**
 * The response to a connection beyond a limit: this HTTP status, `'retry'` (the delay to reconnect, then the end), or
 * `'replace'` (the oldest connection is closed instead).
 */
export type LimitAnswer = number | 'retry' | 'replace';

/** The number of connections under one key. */
export interface LimitOptions {
  /**
   * What is counted: `'route'`, `'ip'`, `'process'`, or the result of a function of the request, such as the ID of a user. If
   * it returns `undefined`, the limit does not apply to the request.
   */
  key: 'route' | 'ip' | 'process' | ((context: ExecutionContext) => string | undefined);
  /** The number of open connections. A positive integer. */
  max: number;
  /**
   * The answer to one more. A status is sent instead of a stream, and stops an `EventSource`, which never reconnects after a
   * 4xx or 5xx. `'retry'` (200, `retry:` and the end) makes it reconnect. `'replace'` closes the oldest connection.
   * @default 429, 503 for `'process'`
   */
  status?: LimitAnswer;
  /** Milliseconds after which a rejected client may reconnect, sent as `Retry-After` or `retry:`. @default 5000 */
  retryMs?: number;
}

/** At most one connection per key: a `limit` whose `max` is 1. */
export type ExclusiveOptions = LimitOptions['key'] | Omit<LimitOptions, 'max'>;

/** The options of a stream that limit how many there are. */
export interface StreamLimitOptions {
  /**
   * The number of connections. With several limits, all must hold. For pages use `status: 'retry'`: the default 429 stops an
   * `EventSource`. @default none
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
  limit: meant(group(LIMIT_TABLE, true), (value) =>
    typeof value === 'number' ? `Write { key: 'route', max: ${value} }.` : undefined,
  ),
  exclusive: meant(anyOf(limitKey, group(EXCLUSIVE_TABLE)), (value) =>
    value === true
      ? "Write 'route' for one stream of the route, 'ip' for one of each address, or a function for one of each user."
      : undefined,
  ),
} satisfies OptionTable<StreamLimitOptions>;

/** Default of {@link LimitOptions.retryMs}. */
const RETRY_MS = 5000;

/** A limit with all defaults filled in, and the part of the application that it counts in. */
export interface ResolvedLimit extends Required<LimitOptions> {
  /** The option that it comes from, such as `limit[1]`. */
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

/** A limit that could never be reached, because that of the process is lower. */
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
        remedy: `The limit of the process is ${ofProcess?.max}, so it would never be reached. Use a lower one, or raise that.`,
      }
    );
  },
];
