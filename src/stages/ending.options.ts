import type { ExecutionContext } from '@nestjs/common';
import type { OptionTable } from '../checking/option-check.js';
import { eventId, eventType } from '../checking/event-kinds.js';
import { anyOf, anything, func, group, meant, oneOf } from '../checking/option-kinds.js';

/** The event that a client receives for an error after the head. */
export interface ErrorEventOptions {
  /** Type of the error event. An `EventSource` dispatches its own connection errors as `error`, too. @default 'error' */
  event?: string;
  /**
   * Returns the payload, or a whole event made with `event()`, or `undefined` to send no event.
   * @default `{ statusCode, error, message }`; only an `HttpException` shows its message
   */
  map?: (error: unknown, context: ExecutionContext) => unknown;
}

/** The last event of a stream that completes. */
export interface CompleteOptions {
  /** Type of the event. @default none (a `message`) */
  event?: string;
  /** Its payload. @default '' */
  data?: unknown;
  /** Its ID. Without one, it carries the reserved ID that stops an `EventSource` from reconnecting. @default none */
  id?: string;
}

/** The options of a stream that are about its last events. */
export interface EndingOptions {
  /** The event that a client receives for an error after the head. */
  errors?: ErrorEventOptions;
  /**
   * The last event of a stream that completes. `'reconnect'` sends no event, and clients may reconnect.
   * @default no event; an `EventSource` is stopped from reconnecting
   */
  complete?: CompleteOptions | 'reconnect';
}

/** Kinds of {@link ErrorEventOptions}. */
export const ERROR_EVENT_TABLE = {
  event: eventType,
  map: func('of the error and the request'),
} satisfies OptionTable<ErrorEventOptions>;

const COMPLETE_TABLE = {
  event: eventType,
  data: anything,
  id: eventId,
} satisfies OptionTable<CompleteOptions>;

/** Kinds of {@link EndingOptions}. */
export const ENDING_TABLE = {
  errors: meant(group(ERROR_EVENT_TABLE), (value) =>
    typeof value === 'string' ? `Write { event: '${value}' }.` : undefined,
  ),
  complete: meant(anyOf(oneOf('reconnect'), group(COMPLETE_TABLE)), (value) => {
    if (value === false || value === null) return 'Leave it out for no last event.';
    const type = value === true ? 'end' : value;
    return typeof type === 'string' ? `Write { event: '${type}' }.` : undefined;
  }),
} satisfies OptionTable<EndingOptions>;

/** Defaults of {@link EndingOptions}. */
export const ENDING_DEFAULTS = { errors: { event: 'error' } } as const satisfies EndingOptions;

/** {@link EndingOptions} with all defaults filled in. */
export interface ResolvedEnding {
  errors: ErrorEventOptions & { event: string };
  complete: CompleteOptions | 'reconnect' | undefined;
}

/** Resolves the options of error events. */
export function resolveErrorEvent(given: ErrorEventOptions = {}): ResolvedEnding['errors'] {
  return { ...given, event: given.event ?? ENDING_DEFAULTS.errors.event };
}
