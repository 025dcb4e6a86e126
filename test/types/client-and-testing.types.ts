import type { INestApplication } from '@nestjs/common';
import {
  connect,
  EventSource,
  type EventStream,
  type ReceivedEvent,
  type ReceivedEventOf,
  type ReceivedEvents,
  type UnknownEvent,
} from 'nestjs-event-stream/client';
import { defineEvents, text, type } from 'nestjs-event-stream/events';
import {
  checkEvents,
  openStream,
  SSE_CLOCK,
  TestClock,
  type Clock,
  type TestEvent,
  type TestStream,
  type TestStreamEnd,
} from 'nestjs-event-stream/testing';
import { defer, from, type Observable } from 'rxjs';
import { z } from 'zod';
import type { Equal, Expect } from './assertions.js';

interface Jobs {
  progress: { pct: number };
  done: { url: string };
}

// Events of a stream with known types are distinguished by them.
export async function follow(): Promise<void> {
  for await (const event of connect<Jobs>('/jobs/7')) {
    if (event.type === 'progress') event.json().pct.toFixed();
    else event.json().url.trim();
    // @ts-expect-error no such type of event
    if (event.type === 'progres') return;
  }
  for await (const event of connect('/any')) {
    event.type satisfies string;
    event.data satisfies string;
    event.lastEventId satisfies string | undefined;
  }
}
export type Streams = Expect<
  Equal<EventStream<ReceivedEvents<Jobs>> extends AsyncIterable<unknown> ? true : false, true>
>;
export type Received = Expect<Equal<ReceivedEvent['data'], string>>;

connect('/x', {
  method: 'PUT',
  body: { a: 1 },
  headers: { a: 'b' },
  after: '7',
  retry: false,
  inactivityMs: false,
});
connect(new URL('https://example.org'), {
  headers: async () => ({ authorization: 'Bearer' }),
  events: ['a'],
});
// @ts-expect-error: 'reties' does not exist
connect('/x', { reties: 5 });

// With a contract, the data of each event has the output of its schema.
const jobEvents = defineEvents({
  progress: z.object({ percent: z.number(), note: z.string().default('') }),
  at: z.coerce.date(),
  token: text(),
  message: type<string[]>(),
});
type JobEvents = typeof jobEvents;
export async function typed(): Promise<void> {
  for await (const event of connect('/jobs/7', { events: jobEvents })) {
    switch (event.type) {
      case 'progress':
        event.data satisfies { percent: number; note: string };
        // @ts-expect-error: Property 'pct' does not exist on type '{ percent: number; note: string; }'.
        event.data.pct.toFixed();
        break;
      case 'at':
        event.data.getTime();
        break;
      case 'token':
        event.data.trim();
        break;
      case 'message':
        event.data.push('');
        break;
      case 'gap':
        event.data.oldest satisfies string | null;
        break;
      case 'stopped':
        event.data.reason satisfies 'stop' | 'orphaned';
        break;
      case 'error':
        event.data.statusCode.toFixed();
        break;
      default:
        event satisfies never;
    }
    // @ts-expect-error: '"progres"' have no overlap
    if (event.type === 'progres') return;
  }
  for await (const event of connect('/jobs/7', { events: jobEvents, unknownEvents: 'deliver' })) {
    if (event.type === 'progress') event.data.percent.toFixed();
    else if (event.type === 'at') event.data.getTime();
    else if (event.type !== 'token' && event.type !== 'message' && event.type !== 'gap') {
      if (event.type === 'stopped' || event.type === 'error') return;
      event satisfies UnknownEvent;
      event.data.trim();
      event.type.trim();
    }
  }
}
export type Unions = [
  Expect<Equal<ReceivedEventOf<JobEvents, 'at'>['data'], Date>>,
  Expect<
    Equal<ReceivedEventOf<JobEvents>['type'], keyof JobEvents['~contract'] | 'gap' | 'stopped' | 'error'>
  >,
];
// @ts-expect-error: does not exist in type
connect('/jobs/7', { events: ['a'], unknownEvents: 'deliver' });
// @ts-expect-error: '"drop"' is not assignable
connect('/jobs/7', { events: jobEvents, unknownEvents: 'drop' });
// @ts-expect-error: '"progres"' is not assignable to type '"progress" | "done"'
connect<Jobs>('/jobs/7', { events: ['progres'] });

// An Observable, and a replacement of EventSource.
export const jobs$: Observable<ReceivedEventOf<JobEvents>> = defer(() => connect('/', { events: jobEvents }));
export const untyped$: Observable<ReceivedEvent> = from(connect('/'));
export const native: globalThis.EventSource = new EventSource('/', { headers: { a: 'b' } });
const source = new EventSource('/');
source.addEventListener('progress', ({ data, lastEventId }) => [data, lastEventId satisfies string]);
source.addEventListener('error', ({ error }) => error satisfies unknown);
source.onopen = () => undefined;
// @ts-expect-error: 'onRetry' does not exist
new EventSource('/', { onRetry: () => undefined });

// A test opens streams of an application or of an address.
export async function test(app: INestApplication): Promise<void> {
  const stream: TestStream = await openStream(app, '/x', { lastEventId: '1', body: { a: 1 }, timeoutMs: 5 });
  await openStream('http://localhost:3000', '/x');
  const events: TestEvent[] = await stream.collect(2);
  const { pct } = (await stream.next('progress')).json<{ pct: number }>();
  pct.toFixed(events.length);
  stream.raw() satisfies string;
  // @ts-expect-error: not assignable to parameter of type 'string'
  await stream.next(7);
  const typedStream = await openStream(app, '/x', { events: jobEvents });
  (await typedStream.next('progress')).data satisfies { percent: number; note: string };
  (await typedStream.next('at')).data.getTime();
  (await typedStream.next('gap')).data.requested.trim();
  (await typedStream.until(({ type }) => type === 'token')) satisfies ReceivedEventOf<JobEvents>;
  // @ts-expect-error: '"progres"' is not assignable
  await typedStream.next('progres');
  // @ts-expect-error: Property 'pct' does not exist
  (await typedStream.next('progress')).data.pct.toFixed();
}

// A test checks a route, moves the time, and has clients that stall.
export async function kit(app: INestApplication): Promise<void> {
  const clock: Clock = new TestClock();
  clock.now() satisfies number;
  SSE_CLOCK satisfies symbol;
  (await new TestClock().advance(5)) satisfies void;
  // @ts-expect-error: not assignable to parameter of type 'number'
  await new TestClock().advance('5 s');
  const [checked] = await checkEvents(app, '/x', { until: 'done', body: { a: 1 } });
  checked?.type.trim();
  // @ts-expect-error: 'checked.data' is of type 'unknown'
  checked?.data.percent.toFixed();
  // @ts-expect-error: 'events' does not exist in type
  await checkEvents(app, '/x', { events: jobEvents });
  // @ts-expect-error: not assignable to parameter of type 'ObservableApplication'
  await checkEvents('http://localhost:3000', '/x');
  const stream = await openStream(app, '/x', { stalled: true });
  stream.resume();
  stream.vanish();
  (await stream.end()) satisfies TestStreamEnd;
  // @ts-expect-error: 'reads' does not exist
  await openStream(app, '/x', { reads: false });
  // @ts-expect-error: missing the following properties from type 'AnyContract'
  await openStream(app, '/x', { events: ['a'] });
}
