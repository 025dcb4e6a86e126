import { immediate } from '../../errors/guard.js';
import { event } from '../../events/sse-event.js';
import type { ChannelEvent } from '../channel-event.js';
import type { Fold } from './fold.js';

/** Options that all ready-made folds have. */
export type ReadyFoldOptions = Pick<Fold, 'name' | 'version' | 'every' | 'partial'>;

/** Options of {@link concat}. */
export interface ConcatOptions<T = unknown> extends ReadyFoldOptions {
  /** The text that an event adds. `undefined` for an event without text. @default the data, if it is a string */
  text?: ((event: ChannelEvent<T>) => string | undefined) | undefined;
  /** The event of the whole text. It replaces what a client has. @default event({ type: 'snapshot', data: text }) */
  toEvents?: ((text: string) => unknown) | undefined;
}

/**
 * A fold of text deltas into one text. A client that joins late gets the text in one event of type `snapshot`, and the deltas that
 * follow it.
 *
 * @example
 * runs.start(id, (signal) => model.answer(prompt, { signal }), { fold: concat() })
 */
export function concat<T = unknown>({
  text = textOf,
  toEvents = whole,
  ...options
}: ConcatOptions<T> = {}): Fold<string, T> {
  return {
    name: 'concat',
    ...options,
    initial: '',
    step: (state, given) => state + (immediate(text(given), 'concat.text') ?? ''),
    toEvents: (state) => (state === '' ? undefined : toEvents(state)),
  };
}

function textOf({ data }: ChannelEvent): string | undefined {
  return typeof data === 'string' ? data : undefined;
}

function whole(text: string): unknown {
  return event({ type: 'snapshot', data: text });
}
