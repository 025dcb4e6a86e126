import { event, type SseEvent } from '../events/sse-event.js';
import { checkOptions, type OptionTable } from '../checking/option-check.js';
import { anyOf, anything, func, having, kind, meant, none, oneOf } from '../checking/option-kinds.js';
import { GAP_EVENT } from '../events/library-events.js';
import type { StartOptions } from './start-position.js';

/** An event of a channel. `data` is the published value after serializing and parsing. */
export type ChannelEvent<T = unknown> = SseEvent & { readonly data: T };

/** The option of a subscription without gap events. */
export interface WithoutGaps {
  gap: false;
}

/** A test of an event and the name of its channel. */
export type EventTest<T = unknown, Event extends SseEvent = ChannelEvent<T>> = (
  event: Event,
  channel: string,
) => boolean;

/** Options of a subscription. */
export interface SubscribeOptions<
  T = unknown,
  Event extends SseEvent = ChannelEvent<T>,
> extends StartOptions {
  /** Ends the subscription when it aborts. */
  signal?: AbortSignal | undefined;
  /** Selects events, both replayed and new ones. If it throws, the subscription fails. @default all */
  filter?: EventTest<T, Event> | undefined;
  /** Ends the subscription after the first event for which it returns true. @default never */
  until?: EventTest<T, Event> | undefined;
  /** The type of the event that reports missing events. `false` sends none. @default 'gap' */
  gap?: string | false | undefined;
}

/** Options of everything that reads a channel. */
export const READER_TABLE = {
  // Not checked here: an invalid id is a mistake of the client, and not of the program.
  after: anything,
  signal: meant(having(['addEventListener', 'removeEventListener'], 'an AbortSignal'), (value) =>
    typeof value === 'object' && value !== null && 'signal' in value ? 'Pass its "signal".' : undefined,
  ),
  filter: func('of the event and the name of its channel'),
  gap: anyOf(
    kind((value) => typeof value === 'string', 'the type of an event'),
    none,
  ),
} satisfies OptionTable<Pick<SubscribeOptions, 'after' | 'signal' | 'filter' | 'gap'>>;

const { after, ...others } = READER_TABLE;
const TABLE: OptionTable<SubscribeOptions> = {
  after,
  from: oneOf('now', 'oldest'),
  ...others,
  until: func('of the event and the name of its channel'),
};

/**
 * Rejects invalid options of `subscribe()`.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS`
 */
export function checkSubscribeOptions(options: unknown): void {
  checkOptions('subscribe()', options, TABLE);
}

/**
 * The type of gap events; `undefined` if there are none.
 *
 * @throws {SseError} `SSE_INVALID_FIELD` if it is not a valid event type.
 */
export function gapType({ gap = GAP_EVENT }: Pick<SubscribeOptions, 'gap'>): string | undefined {
  return gap === false ? undefined : event({ type: gap, data: '' }).type;
}
