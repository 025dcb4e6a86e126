import type { OptionTable } from '../checking/option-check.js';
import { eventType } from '../checking/event-kinds.js';
import {
  anyOf,
  delayMs,
  func,
  group,
  kind,
  meant,
  none,
  oneOf,
  required,
  wholeNumber,
} from '../checking/option-kinds.js';
import type { SseEvent } from '../events/sse-event.js';

/** How the library handles a push source that emits faster than a client reads. */
export type OverflowPolicy =
  'disconnect' | 'drop-oldest' | 'drop-newest' | { coalesce: (event: SseEvent) => string | undefined };

/** The limit of events that may wait for a slow client, and the policy when it is exceeded. */
export interface OverflowOptions {
  /**
   * Maximum memory for the waiting events of one client, in bytes. An event counts its text and about 128 bytes. With
   * `'disconnect'`, a burst that the client had no chance to read does not count. @default 1_048_576
   */
  maxBytes?: number;
  /**
   * `'disconnect'` ends the connection. `'drop-oldest'` and `'drop-newest'` drop events. `coalesce` drops a waiting event
   * when a newer one has the same key, and the oldest events if that is not enough. @default 'disconnect'
   */
  policy?: OverflowPolicy;
  /**
   * Sends the number of dropped events to a client once it has caught up, in an event with the data `{"dropped":3}`. The
   * type of the event is `event`, or `overflow` by default. @default false
   */
  report?: false | { event?: string };
}

/** Options for clients that read too slowly. */
export interface SlowClientOptions {
  /** The limit of events that may wait for a client, if a push source emits faster than the client reads. */
  overflow?: OverflowOptions;
  /** Milliseconds after which a client that reads none of its waiting bytes is cut off. @default 30_000 */
  stallMs?: number | false;
}

const OVERFLOW_TABLE = {
  maxBytes: anyOf(
    wholeNumber(1),
    kind((value) => value === Infinity, 'Infinity'),
  ),
  policy: anyOf(
    oneOf('disconnect', 'drop-oldest', 'drop-newest'),
    group({ coalesce: required(func('of the event that returns a key')) }),
  ),
  report: anyOf(none, group({ event: eventType })),
} satisfies OptionTable<OverflowOptions>;

/** Kinds of {@link SlowClientOptions}. */
export const SLOW_CLIENT_TABLE = {
  overflow: meant(group(OVERFLOW_TABLE), (value) => {
    if (typeof value === 'number') return `Write { maxBytes: ${value} }.`;
    return typeof value === 'string' ? `Write { policy: '${value}' }.` : undefined;
  }),
  stallMs: anyOf(delayMs(1), none),
} satisfies OptionTable<SlowClientOptions>;

/** {@link SlowClientOptions} with all defaults filled in. */
export interface ResolvedSlowClient {
  overflow: Required<OverflowOptions>;
  stallMs: number | false;
}

/** Defaults of {@link SlowClientOptions}. */
export const SLOW_CLIENT_DEFAULTS: {
  readonly overflow: Readonly<Required<OverflowOptions>>;
  readonly stallMs: 30_000;
} = {
  overflow: { maxBytes: 1_048_576, policy: 'disconnect', report: false },
  stallMs: 30_000,
};
