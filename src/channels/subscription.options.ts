import { event, type SseEvent } from '../events/sse-event.js';
import { checkOptions, type OptionTable } from '../checking/option-check.js';
import { anyOf, anything, func, having, kind, meant, none, oneOf } from '../checking/option-kinds.js';
import { GAP_EVENT } from '../events/library-events.js';
import type { StartOptions } from './start-position.js';

/** An event of a channel: `data` is what was published, as it came back from text. */
export type ChannelEvent<T = unknown> = SseEvent & { readonly data: T };

/** For a subscription that tells of no gaps: events are all that it gives. */
export interface WithoutGaps {
  gap: false;
}

/** Asked about an event, and the channel it was published to. */
export type EventTest<T = unknown> = (event: ChannelEvent<T>, channel: string) => boolean;

/** What a subscription wants. */
export interface SubscribeOptions<T = unknown> extends StartOptions {
  /** Ends the subscription. */
  signal?: AbortSignal | undefined;
  /** Which events come, replayed or live. If it throws, this subscription fails. @default all */
  filter?: EventTest<T> | undefined;
  /** Ends the subscription after the first event that came for which it returns true. @default never */
  until?: EventTest<T> | undefined;
  /** The type of the event that says that events are missing; `false` for none. @default 'gap' */
  gap?: string | false | undefined;
}

/** Options that all have who read a channel. */
export const READER_TABLE = {
  // What cannot be an id of the channel is the client's affair.
  after: anything,
  signal: meant(having(['addEventListener', 'removeEventListener'], 'an AbortSignal'), (value) =>
    typeof value === 'object' && value !== null && 'signal' in value ? 'Give its "signal".' : undefined,
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
 * Refuses what `subscribe()` has no use for.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS`
 */
export function checkSubscribeOptions(options: unknown): void {
  checkOptions('subscribe()', options, TABLE);
}

/**
 * The type of gap events that options stand for, checked.
 *
 * @throws {SseError} `SSE_INVALID_FIELD` if no event can have it.
 */
export function gapType({ gap = GAP_EVENT }: Pick<SubscribeOptions, 'gap'>): string | undefined {
  return gap === false ? undefined : event({ type: gap, data: '' }).type;
}
