import type { ConnectOptions } from './client.options.js';
import type { EventStream } from './event-stream.js';
import { ReconnectingStream } from './reconnecting-stream.js';
import { resolveConnectOptions } from './resolve-options.js';

/**
 * Reads a stream of server-sent events with `fetch`, in browsers and Node, and comes back by itself after failures.
 * The iteration ends when the server says so; it throws what `options.signal` was aborted with.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS` and `SSE_NOT_SERIALIZABLE` at once; from the iteration `SSE_RESPONSE_STATUS`,
 * `SSE_RESPONSE_TYPE`, `SSE_RETRIES_EXHAUSTED`.
 * @example
 * for await (const event of connect<{ progress: { pct: number } }>('/jobs/7/events')) {
 *   if (event.type === 'progress') bar.value = event.json().pct;
 * }
 */
export function connect<Map extends object = Record<string, unknown>>(
  url: string | URL,
  options: ConnectOptions<Map> = {},
): EventStream<Map> {
  return new ReconnectingStream<Map>(resolveConnectOptions(url, options));
}
