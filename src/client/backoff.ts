import type { RetryOptions } from './client.options.js';

/** The values on which the next wait depends. */
export interface Setback {
  /** Attempts in a row that got no event stream. It is 0 if a stream broke off or ended. */
  failures: number;
  /** The reconnection time that the server has set by `retry:`, in milliseconds. */
  serverRetryMs: number | undefined;
  /** `Retry-After` of the response that refused the request, in milliseconds. */
  retryAfterMs: number | undefined;
}

/**
 * Returns the wait before the next request in milliseconds. It is the server's `retry:` or `initialMs`, and grows by
 * `factor` from the second failed attempt on, up to `maxMs`. Jitter is added to it. It is at least `Retry-After`. The times of
 * the server count from `minMs` up to `maxServerMs`.
 */
export function reconnectDelay(
  { failures, serverRetryMs, retryAfterMs = 0 }: Setback,
  retry: Required<RetryOptions>,
  random: () => number,
): number {
  const { initialMs, minMs, maxMs, maxServerMs, factor, jitter } = retry;
  const base = Math.min(Math.max(serverRetryMs ?? initialMs, minMs), maxServerMs);
  let delayMs = base;
  if (failures > 1) {
    // A wait of 0, where `minMs` allows it, would never grow.
    const grown = (base === 0 ? initialMs : base) * factor ** (failures - 1);
    delayMs = Math.max(base, Math.min(grown, maxMs));
  }
  return Math.max(Math.min(retryAfterMs, maxServerMs), Math.round(delayMs * (1 + jitter * random())));
}

/** `Retry-After` in milliseconds from `nowMs`, given as seconds or as a date (RFC 9110, 10.2.3); `undefined` if it is neither. */
export function parseRetryAfter(value: string | null, nowMs: number): number | undefined {
  if (value === null) return undefined;
  const text = value.trim();
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  // Date.parse() accepts much else. All three forms of a date in HTTP begin with the day, and the oldest has no GMT.
  const dateMs = /^[A-Z][a-z]{2}/.test(text) ? Date.parse(text.endsWith('GMT') ? text : `${text} GMT`) : NaN;
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
}
