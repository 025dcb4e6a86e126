import type { RetryOptions } from './client.options.js';

/** What the next wait depends on. */
export interface Setback {
  /** Attempts in a row that got no event stream; 0 if a stream broke or ended. */
  failures: number;
  /** The reconnection time the server has set by `retry:`, in milliseconds. */
  serverRetryMs: number | undefined;
  /** What the refusing response asked for by `Retry-After`, in milliseconds. */
  retryAfterMs: number | undefined;
}

/**
 * How long to wait before the next request, in milliseconds: the server's `retry:` or `initialMs`, growing by `factor`
 * from the second failed attempt on up to `maxMs`, plus jitter; never less than `Retry-After`.
 */
export function reconnectDelay(
  { failures, serverRetryMs, retryAfterMs = 0 }: Setback,
  retry: Required<RetryOptions>,
  random: () => number,
): number {
  const base = serverRetryMs ?? retry.initialMs;
  let delayMs = base;
  if (failures > 1) {
    // "retry: 0" asks for a reconnect at once, not for a hundred failing ones a second.
    const grown = (base === 0 ? retry.initialMs : base) * retry.factor ** (failures - 1);
    delayMs = Math.max(base, Math.min(grown, retry.maxMs));
  }
  return Math.max(retryAfterMs, Math.round(delayMs * (1 + retry.jitter * random())));
}

/** `Retry-After` in milliseconds from `nowMs`, given as seconds or as a date (RFC 9110, 10.2.3); `undefined` if it is neither. */
export function parseRetryAfter(value: string | null, nowMs: number): number | undefined {
  if (value === null) return undefined;
  const text = value.trim();
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  // Date.parse takes much for a date; all three forms of HTTP begin with the day, and the oldest leaves its GMT out.
  if (!/^[A-Z][a-z]{2}/.test(text)) return undefined;
  const dateMs = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
}
