import type { OptionTable } from '../checking/option-check.js';
import {
  anyOf,
  delayMs,
  eventType,
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

/** What happens to events of a push source that a client is too slow for. */
export type OverflowPolicy =
  'disconnect' | 'drop-oldest' | 'drop-newest' | { coalesce: (event: SseEvent) => string | undefined };

/** How much may wait for a client that is behind, and what happens beyond it. */
export interface OverflowOptions {
  /**
   * Bytes of memory that waiting events may use for one client: their text, and about 128 bytes for each event. With
   * `'disconnect'`, events of one burst that the client could not have read yet do not count. @default 1_048_576
   */
  maxBytes?: number;
  /**
   * What is given up: the connection, the oldest waiting events, or the newest. `coalesce` replaces a waiting event with the
   * same key as a newer one; where that is not enough, the oldest are dropped. @default 'disconnect'
   */
  policy?: OverflowPolicy;
  /**
   * Sends a client that has caught up an event of this type (`overflow` if none is given) with the number of events that it
   * missed: `{"dropped":3}`. @default false
   */
  report?: false | { event?: string };
}

/** The options of a stream that are about clients that read too slowly. */
export interface SlowClientOptions {
  /** How much may wait for a client that is too slow for a push source. */
  overflow?: OverflowOptions;
  /** Milliseconds after which a client is cut off that takes no byte of what waits for it. @default 30_000 */
  stallMs?: number | false;
}

const OVERFLOW_TABLE = {
  maxBytes: anyOf(
    wholeNumber(1),
    kind((value) => value === Infinity, 'Infinity'),
  ),
  policy: anyOf(
    oneOf('disconnect', 'drop-oldest', 'drop-newest'),
    group({ coalesce: required(func('of the event, which gives a key')) }),
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
