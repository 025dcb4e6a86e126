import { checkedId, event } from '../events/sse-event.js';
import { SseError, quoted } from '../sse.errors.js';
import type { ResolvedLimit, ResolvedOptions } from './sse.options.js';

/** The longest delay that a timer can keep (2^31 − 1 ms, about 24 days). */
const MAX_DELAY_MS = 2_147_483_647;

/**
 * Refuses options that are out of range, or contradict each other.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS`, with the value, or both.
 */
export function checkOptions(where: string, options: ResolvedOptions): void {
  checkTimes(where, options);
  checkSizes(where, options);
  checkEvents(where, options);
  for (const limit of options.limits) checkLimit(where, limit);
  checkTogether(where, options);
}

/** @throws {SseError} `SSE_INVALID_OPTIONS` for what is no number of milliseconds that a timer can wait. */
export function checkDelay(where: string, name: string, value: unknown, min: number): void {
  if (typeof value === 'number' && value >= min && value <= MAX_DELAY_MS) return;
  throw refused(where, name, value, `It is a number of milliseconds from ${min} to ${MAX_DELAY_MS}.`);
}

/** @throws {SseError} `SSE_INVALID_OPTIONS` for what is no whole number, or less than `min`. */
export function checkInteger(where: string, name: string, value: unknown, min: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= min) return;
  throw refused(where, name, value, `It is a whole number, ${min} or more.`);
}

function checkTimes(where: string, options: ResolvedOptions): void {
  const { heartbeat, timeout } = options;
  checkDelay(where, 'openAfterMs', options.openAfterMs, 0);
  if (heartbeat !== false) checkDelay(where, 'heartbeat.intervalMs', heartbeat.intervalMs, 1);
  if (timeout !== false && typeof timeout.afterMs !== 'function')
    checkDelay(where, 'timeout.afterMs', timeout.afterMs, 1);
  for (const name of ['maxDurationMs', 'revalidateMs', 'stallMs', 'teardownWarnMs'] as const) {
    const value = options[name];
    if (value !== false) checkDelay(where, name, value, 1);
  }
  if (options.expiresAt !== undefined && typeof options.expiresAt !== 'function') {
    throw refused(where, 'expiresAt', options.expiresAt, 'It is a function of the request.');
  }
}

function checkSizes(where: string, { overflow, maxLastEventIdBytes }: ResolvedOptions): void {
  const { maxBytes, policy } = overflow;
  if (maxBytes !== Infinity) checkInteger(where, 'overflow.maxBytes', maxBytes, 1);
  checkInteger(where, 'maxLastEventIdBytes', maxLastEventIdBytes, 1);
  const known =
    typeof policy === 'object' && policy !== null
      ? typeof policy.coalesce === 'function'
      : ['disconnect', 'drop-oldest', 'drop-newest'].includes(policy);
  if (known) return;
  const remedy = "It is 'disconnect', 'drop-oldest', 'drop-newest' or { coalesce: (event) => key }.";
  throw refused(where, 'overflow.policy', policy, remedy);
}

function checkEvents(where: string, options: ResolvedOptions): void {
  const { heartbeat, timeout, complete, errors, overflow } = options;
  if (options.emits !== 'events' && options.emits !== 'data') {
    throw refused(where, 'emits', options.emits, "It is 'events' or 'data'.");
  }
  checkName(where, 'errors.event', errors.event);
  if (overflow.report !== false) checkName(where, 'overflow.report.event', overflow.report.event);
  if (timeout !== false) checkName(where, 'timeout.event', timeout.event);
  if (heartbeat !== false) {
    checkName(where, 'heartbeat.event', heartbeat.event);
    if (typeof heartbeat.id !== 'function') checkId(where, 'heartbeat.id', heartbeat.id);
  }
  if (typeof complete === 'object') {
    checkName(where, 'complete.event', complete.event);
    checkId(where, 'complete.id', complete.id);
  }
}

function checkName(where: string, name: string, value: unknown): void {
  try {
    event({ type: value as string | undefined, data: '' });
  } catch {
    throw refused(where, name, value, 'It is the type of an event: a string on one line.');
  }
}

function checkId(where: string, name: string, value: unknown): void {
  try {
    checkedId(value);
  } catch {
    throw refused(where, name, value, 'It is an id: printable ASCII without a space at either end.');
  }
}

function checkLimit(where: string, { max, status, retryMs, key }: ResolvedLimit): void {
  checkInteger(where, 'limit.max', max, 1);
  checkInteger(where, 'limit.retryMs', retryMs, 0);
  if (typeof key !== 'function' && !['route', 'ip', 'process'].includes(key)) {
    throw refused(where, 'limit.key', key, "It is 'route', 'ip', 'process' or a function.");
  }
  if (status === 'retry' || status === 'replace') return;
  if (!Number.isInteger(status) || status < 400 || status > 599) {
    throw refused(where, 'limit.status', status, "It is 'retry', 'replace' or a status from 400 to 599.");
  }
}

/** Each may be right, and yet one of the two would never come into play. */
function checkTogether(where: string, options: ResolvedOptions): void {
  const { heartbeat, stallMs, timeout, maxDurationMs, revalidateMs, limits } = options;
  if (heartbeat !== false && stallMs !== false && heartbeat.intervalMs > stallMs) {
    const remedy = `It is shorter than the heartbeat, ${heartbeat.intervalMs}: make it longer, or the heartbeat shorter.`;
    throw refused(where, 'stallMs', stallMs, remedy);
  }
  if (maxDurationMs !== false) {
    if (timeout !== false && typeof timeout.afterMs === 'number' && maxDurationMs <= timeout.afterMs) {
      const remedy = `It is not longer than timeout.afterMs, ${timeout.afterMs}, which would never be reached.`;
      throw refused(where, 'maxDurationMs', maxDurationMs, remedy);
    }
    if (revalidateMs !== false && maxDurationMs <= revalidateMs) {
      const remedy = `It is not longer than revalidateMs, ${revalidateMs}: the guards would never run again.`;
      throw refused(where, 'maxDurationMs', maxDurationMs, remedy);
    }
  }
  const all = limits.find(({ key }) => key === 'process');
  const beyond = all && limits.find(({ max }) => max > all.max);
  if (beyond) {
    const remedy = `The limit of the process is ${all.max}: it would never be reached.`;
    throw refused(where, 'limit.max', beyond.max, remedy);
  }
}

function refused(where: string, name: string, value: unknown, remedy: string): SseError {
  return new SseError('SSE_INVALID_OPTIONS', `${where}: the option "${name}" cannot be ${quoted(value)}.`, {
    remedy,
    context: { option: name, value },
  });
}
