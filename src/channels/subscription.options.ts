import { event, type SseEvent } from '../events/sse-event.js';
import { checkOptions, checkRules, type OptionRule, type OptionTable } from '../checking/option-check.js';
import { anyOf, anything, func, having, kind, meant, none, oneOf } from '../checking/option-kinds.js';
import { GAP_EVENT } from '../events/library-events.js';
import type { Serialize } from '../events/to-event.js';
import type { ChannelEvent } from './channel-event.js';
import { fold, type AnyFold } from './folds/fold.js';
import type { SnapshotFunction } from './snapshot/application-state.js';
import type { StateSource } from './snapshot/state-source.js';
import type { StartOptions } from './start-position.js';

export type { ChannelEvent };

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
  /**
   * Sends the state of the application to a client without a cursor, or whose cursor is not kept any more, and then the events that
   * follow it. There is no gap event then. `filter` and `until` do not see the state. @default none
   */
  snapshot?: SnapshotFunction | undefined;
  /**
   * Sends the state that the library folds from the events, like `snapshot`. `false` switches off the fold of the channel.
   * @default the fold of the channel
   */
  fold?: AnyFold | false | undefined;
}

/** The options of a reader. */
export interface ReaderOptions extends Omit<SubscribeOptions<never, never>, 'snapshot' | 'fold'> {
  /** The state for a client without a position. */
  state?: StateSource | undefined;
  /** How the values of a state become events. */
  records?: { readonly serialize: Serialize | undefined; check?: ((value: unknown) => void) | undefined };
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
  snapshot: func('that returns the state as events'),
  fold: anyOf(fold, none),
} satisfies OptionTable<Pick<SubscribeOptions, 'after' | 'signal' | 'filter' | 'gap' | 'snapshot' | 'fold'>>;

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
  checkRules('subscribe()', options as SubscribeOptions, [
    ...STATE_RULES,
    ({ from, snapshot, fold: given }) =>
      from === 'oldest' &&
      (snapshot !== undefined || given) && {
        option: 'from',
        value: from,
        remedy: 'The state replaces the oldest events. Leave "from" out.',
      },
  ]);
}

/** The rules of everything that can send a state. */
export const STATE_RULES: readonly OptionRule<Pick<SubscribeOptions, 'snapshot' | 'fold'>>[] = [
  ({ snapshot, fold: given }) =>
    snapshot !== undefined &&
    given && {
      option: 'snapshot',
      value: snapshot,
      remedy: 'A subscription has one state. Use "snapshot" or "fold".',
    },
];

/**
 * The type of gap events. `undefined` if gaps send no event.
 *
 * @throws {SseError} `SSE_INVALID_FIELD` if it is not a valid event type.
 */
export function gapType({ gap = GAP_EVENT }: Pick<SubscribeOptions, 'gap'>): string | undefined {
  return gap === false ? undefined : event({ type: gap, data: '' }).type;
}
