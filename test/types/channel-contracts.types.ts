import { Controller, Param } from '@nestjs/common';
import {
  comment,
  event,
  isGap,
  LastEventId,
  Sse,
  type Channel,
  type Channels,
  type EventChannel,
  type EventRun,
  type EventSubscription,
  type Gap,
  type GapEvent,
  type Run,
  type Runs,
  type RunSubscription,
  type StoppedEvent,
} from 'nestjs-event-stream';
import { defineEvents, text, type, type AnyContract, type EventOf } from 'nestjs-event-stream/events';
import type { Observable } from 'rxjs';
import { z } from 'zod';
import type { Equal, Expect } from './assertions.js';

const events = defineEvents({
  progress: z.object({ percent: z.number(), kind: z.enum(['a', 'b']).optional() }),
  done: type<{ url: string }>(),
});
const others = defineEvents({ other: text() });
type Events = typeof events;
declare const channels: Channels;
declare const runs: Runs;
declare const numbers: Observable<number>;
const channel = channels.channel('a', events);
export type Channels_ = Expect<Equal<typeof channel, EventChannel<Events>>>;

// A channel with a contract takes its events, and nothing else.
export async function publish(): Promise<void> {
  (await channel.publish(events.progress({ percent: 1 }))) satisfies string;
  (await channel.publish([events.progress({ percent: 1 }), events.done({ url: '' })])) satisfies string[];
  (await channel.publish([])) satisfies string[];
  await channel.publish(event({ type: 'progress', id: 7, data: { percent: 1 } }));
  await channel.publish(comment('c'));
  // @ts-expect-error: not assignable
  await channel.publish(others.other('a'));
  // @ts-expect-error: not assignable
  await channel.publish([others.other('a')]);
  // @ts-expect-error: not assignable
  await channel.publish(event({ type: 'progress', data: { percent: '1' } }));
  // @ts-expect-error: not assignable
  await channel.publish(event({ type: 'progres', data: { percent: 1 } }));
  // @ts-expect-error: No overload matches this call
  await channel.publish({ percent: 1 });
  // @ts-expect-error: not assignable
  await channel.publish('a');
  // @ts-expect-error: Type 'string' is not assignable to type 'number'
  await channel.publish(events.progress({ percent: '1' }));
}

// Subscribers get the union, with the gap among its members.
export async function follow(): Promise<void> {
  for await (const each of channel.subscribe()) {
    switch (each.type) {
      case 'progress':
        each.data.percent.toFixed();
        break;
      case 'done':
        each.data.url.trim();
        break;
      case 'gap':
        each.data satisfies Gap;
        break;
      default:
        each satisfies never;
    }
    if (isGap(each)) each.data.requested.trim();
    // @ts-expect-error: '"progres"' have no overlap
    if (each.type === 'progres') return;
  }
  for await (const each of channel.subscribe({ gap: false })) each satisfies EventOf<Events>;
  for await (const each of channel.subscribe({ gap: 'missed', after: '1', from: 'oldest' })) {
    if (each.type === 'missed') each.data satisfies Gap;
    else each satisfies EventOf<Events>;
  }
  for await (const each of channels.subscribe(['a', 'b'], { events }))
    each.type satisfies 'progress' | 'done' | 'gap';
  for await (const each of channels.subscribe('a', { events, gap: false })) each satisfies EventOf<Events>;
}

// Filters are called with events of the contract.
channel.subscribe({
  filter: (each, name) => each.type === 'done' || (each.data.percent > 5 && name === 'a'),
  until: ({ type }) => type === 'done',
});
channels.subscribe(['a', 'b'], { events, until: (each) => each.type === 'done' && each.data.url !== '' });
// @ts-expect-error: Property 'url' does not exist
channel.subscribe({ filter: ({ data }) => data.url === '' });
// @ts-expect-error: '"progres"' have no overlap
channel.subscribe({ until: ({ type }) => type === 'progres' });
// @ts-expect-error: not assignable
channel.subscribe({ gap: true });
// @ts-expect-error: 'colour' does not exist
channels.channel('a', { colour: 1 });

// Runs: the source, and the viewers.
export async function run(): Promise<void> {
  const started = await runs.start(
    'a',
    async function* (signal) {
      yield events.progress({ percent: 1 });
      yield { type: 'progress' as const, data: { percent: signal.aborted ? 1 : 2 } };
      yield comment('c');
    },
    { events, orphanMs: 5 },
  );
  started satisfies EventRun<Events>;
  await runs.start('a', () => [events.done({ url: '' })], { events });
  await runs.start('a', async () => [events.done({ url: '' })], { events });
  await runs.start('a', () => channel.subscribe(), { events });
  await runs.start('a', () => fetch('http://localhost'), { events });
  (await runs.start('a', () => numbers)) satisfies Run;
  (await runs.start('a', () => [1, 2], { orphanMs: 5 })) satisfies Run;
  // @ts-expect-error: Problem<"The contract has no event 'other'.">
  await runs.start('a', () => [others.other('a')], { events });
  // @ts-expect-error: The contract has no event 'message', which a value without a name becomes.
  await runs.start('a', () => numbers, { events });
  // @ts-expect-error: The source of a run returns a stream
  await runs.start('a', () => undefined, { events });
  for await (const each of await started.attach()) {
    switch (each.type) {
      case 'stopped':
        each.data.reason satisfies 'stop' | 'orphaned';
        break;
      case 'gap':
        break;
      default:
        each satisfies EventOf<Events>;
    }
  }
  for await (const each of await runs.attach('a', { events, gap: false }))
    each satisfies EventOf<Events> | StoppedEvent;
  await runs.attach('a', { events, filter: (each) => each.type !== 'progress' || each.data.percent > 5 });
  // @ts-expect-error: Property 'percent' does not exist
  await runs.attach('a', { events, filter: (each) => each.data.percent > 5 });
  await started.stop();
  started.toJSON().id satisfies string;
}

// A route with the same contract may return all of these.
@Controller()
export class Routes {
  @Sse('a', { events }) channel(@LastEventId() after?: string) {
    return channel.subscribe({ after });
  }
  @Sse('b', { events }) several() {
    return channels.subscribe(['a', 'b'], { events, gap: false });
  }
  @Sse('c', { events }) attach(@Param('id') id: string, @LastEventId() after?: string) {
    return runs.attach(id, { after, events });
  }
  @Sse('d', { events }) async *passedOn() {
    for await (const each of channel.subscribe()) yield each;
  }
  @Sse('e') unchecked() {
    return channel.subscribe();
  }
}
export class NotRoutes {
  // @ts-expect-error: The contract has no event 'other'.
  @Sse('a', { events }) channel() {
    return channels.channel('a', others).subscribe();
  }
  // @ts-expect-error: The name of this event can be any string.
  @Sse('b', { events }) untyped() {
    return channels.channel<{ percent: number }>('a').subscribe();
  }
  // @ts-expect-error: The name of this event can be any string.
  @Sse('c', { events }) attach(@Param('id') id: string) {
    return runs.attach(id);
  }
  // @ts-expect-error: Subscribe to the channel, and return the subscription.
  @Sse('d', { events }) notSubscribed() {
    return channel;
  }
}

export const usual: EventSubscription<Events> = channel.subscribe();
export const withoutGaps: EventSubscription<Events, never> = channel.subscribe({ gap: false });
export const wider: EventSubscription<Events, GapEvent> = channel.subscribe({ gap: 'missed' });
export const attached: Promise<RunSubscription<Events>> = runs.attach('a', { events });
export const untyped: Channel<number> = channels.channel('a');
export function anyContract<Contract extends AnyContract>(contract: Contract): EventChannel<Contract> {
  return channels.channel('a', contract);
}
