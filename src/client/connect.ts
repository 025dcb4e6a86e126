import type { AnyContract } from '../events/event-contract.js';
import type { ConnectOptions, ContractOptions, UnknownEvents } from './client.options.js';
import type { EventStream } from './event-stream.js';
import type { ReceivedEventOf, ReceivedEvents, UnknownEvent } from './received-event.js';
import { reconnectingStream } from './reconnecting-stream.js';
import { resolveConnectOptions } from './resolve-options.js';

/**
 * Reads a stream of server-sent events with `fetch`, in browsers and Node, and reconnects after failures. With a contract, each
 * event has its type and validated data.
 *
 * The iteration ends when the server finishes the stream. It throws the reason of `options.signal`.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS` and `SSE_NOT_SERIALIZABLE` at once. From the iteration: `SSE_RESPONSE_STATUS`,
 * `SSE_RESPONSE_TYPE`, `SSE_RETRIES_EXHAUSTED`, `SSE_EVENT_TOO_LARGE`; `SSE_INVALID_EVENT` and `SSE_INVALID_CONTRACT` with a contract.
 * @example
 * for await (const event of connect('/imports/7', { events: importEvents })) {
 *   if (event.type === 'progress') bar.value = event.data.percent;
 * }
 */
export function connect<Contract extends AnyContract, Unknown extends UnknownEvents = 'ignore'>(
  url: string | URL,
  options: ContractOptions<Contract, Unknown>,
): EventStream<ReceivedEventOf<Contract> | (Unknown extends 'deliver' ? UnknownEvent : never)>;
/**
 * Reads a stream without a contract. The data of an event is text, and `json()` parses it.
 *
 * @example
 * for await (const event of connect<{ progress: { percent: number } }>('/imports/7')) bar.value = event.json().percent;
 */
export function connect<Map extends object = Record<string, unknown>>(
  url: string | URL,
  options?: ConnectOptions<Map>,
): EventStream<ReceivedEvents<Map>>;
export function connect(
  url: string | URL,
  options: ConnectOptions | ContractOptions<AnyContract, UnknownEvents> = {},
): EventStream<object> {
  return reconnectingStream(resolveConnectOptions(url, options));
}
