import {
  event,
  isGap,
  type Channel,
  type ChannelEvent,
  type Channels,
  type ChannelSubscription,
  type Gap,
  type GapEvent,
  type Runs,
  type SseEvent,
  type SubscribeOptions,
} from 'nestjs-event-stream';
import type { Equal, Expect } from './assertions.js';

interface Score {
  home: number;
}
declare const channels: Channels;
declare const runs: Runs;
declare const scores: Channel<Score>;
declare const lists: Channel<string[]>;
declare const anything: Channel;
declare const either: Channel<string | string[]>;

// One event has an id, an array of events has as many. An array that is itself a payload goes into an array or an event.
export async function publish(): Promise<void> {
  (await scores.publish({ home: 1 })) satisfies string;
  (await scores.publish(event({ type: 'final', data: { home: 1 } }))) satisfies string;
  (await scores.publish([{ home: 1 }, event({ data: { home: 2 } })])) satisfies string[];
  (await lists.publish([['a', 'b'], ['c']])) satisfies string[];
  (await lists.publish(event({ data: ['a', 'b'] }))) satisfies string;
  (await either.publish('a')) satisfies string;
  (await either.publish(['a', ['b']])) satisfies string[];
  (await anything.publish({ any: 1 })) satisfies string;
  (await anything.publish([1, 'b'])) satisfies string[];
  (await anything.publish(null)) satisfies string;
  const readOnly: readonly Score[] = [];
  (await scores.publish(readOnly)) satisfies string[];
  // @ts-expect-error two events, or one that is a list?
  await lists.publish(['a', 'b']);
  // @ts-expect-error no score
  await scores.publish({ away: 1 });
  // @ts-expect-error no scores
  await scores.publish([{ away: 1 }]);
}
export function publisher<T>(channel: Channel<T>, value: T): Promise<string[]> {
  // @ts-expect-error whatever it is may be an array
  void channel.publish(value);
  return channel.publish([value]);
}

// A subscriber gets what was published, or a gap.
export async function follow(): Promise<void> {
  for await (const received of scores.subscribe({ gap: 'missed' })) {
    if (isGap(received)) received.data satisfies Gap;
    else received.data satisfies Score;
    // @ts-expect-error it may be a gap
    received.data satisfies Score;
  }
  for await (const { data } of scores.subscribe({ after: '1' })) data satisfies Score | Gap;
  for await (const { data } of scores.subscribe({ gap: false })) data satisfies Score;
  for await (const { data } of channels.subscribe<Score>(['a', 'b'])) data satisfies Score | Gap;
  for await (const { data } of channels.subscribe<Score>('a', { gap: false })) data satisfies Score;
  for await (const { data } of channels.subscribe(['a', 'b'], { gap: false })) data satisfies unknown;
  for await (const { data } of await runs.attach<Score>('a', { gap: false })) data satisfies Score;
  // Filters are not called with gaps.
  scores.subscribe({
    filter: ({ data }) => data.home > 0,
    until: ({ data }, channel) => channel === String(data.home),
  });
}
const chosen: SubscribeOptions<Score> = { gap: 'missed', from: 'oldest' };
scores.subscribe(chosen);
// @ts-expect-error `true` is no type
scores.subscribe({ gap: true });

export type Events = [
  Expect<Equal<ChannelEvent<Score>, SseEvent & { readonly data: Score }>>,
  Expect<Equal<GapEvent['data'], Gap>>,
  Expect<Equal<Gap['oldest'], string | null>>,
];
export const usual: ChannelSubscription<Score> = scores.subscribe();
export const withoutGaps: ChannelSubscription<Score, never> = scores.subscribe({ gap: false });
export const wider: ChannelSubscription<Score> = scores.subscribe({ gap: false });
export const any: ChannelSubscription = scores.subscribe();
