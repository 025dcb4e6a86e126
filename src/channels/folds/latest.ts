import { immediate } from '../../errors/guard.js';
import { SseEvent } from '../../events/sse-event.js';
import type { ChannelEvent } from '../channel-event.js';
import type { ReadyFoldOptions } from './concat.js';
import type { Fold } from './fold.js';

/** Options of {@link latest}. */
export interface LatestOptions<T = unknown> extends ReadyFoldOptions {
  /** The key of an event. `undefined` for an event that is not part of the state. */
  key(event: ChannelEvent<T>): string | number | undefined;
  /** True for an event that removes its key. It is not sent to clients that join later. @default none */
  removes?: ((event: ChannelEvent<T>) => boolean) | undefined;
}

/** The last event of each key: its data, and its type if it has one. In the order of these events. */
export type LatestState = Record<string, readonly [data: unknown, type?: string]>;

/**
 * A fold that keeps the last event of each key. A client that joins late gets these events as they were published, and those that
 * follow them. With `key: () => ''` the state is the last event of the channel.
 *
 * @example
 * channels.channel<Cell>('game:7', { fold: latest<Cell>({ key: ({ data }) => data.cell }) })
 */
export function latest<T = unknown>({ key, removes, ...options }: LatestOptions<T>): Fold<LatestState, T> {
  return {
    name: 'latest',
    ...options,
    initial: {},
    step: (state, event) => {
      if (event.data === undefined) return state;
      const found = immediate(key(event), 'latest.key');
      if (found === undefined) return state;
      // A prefix keeps the order of keys that are numbers, and makes every key safe.
      const name = `~${found}`;
      delete state[name];
      if (immediate(removes?.(event), 'latest.removes') !== true) {
        state[name] = event.type === undefined ? [event.data] : [event.data, event.type];
      }
      return state;
    },
    toEvents: (state) =>
      Object.values(state).map(([data, type]) => new SseEvent(type, undefined, undefined, undefined, data)),
  };
}
