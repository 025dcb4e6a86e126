import type { INestApplication } from '@nestjs/common';
import { connect, type EventStream, type ReceivedEvent } from 'nestjs-event-stream/client';
import { openStream, type TestEvent, type TestStream } from 'nestjs-event-stream/testing';
import type { Equal, Expect } from './assertions.js';

interface Jobs {
  progress: { pct: number };
  done: { url: string };
}

// Events of a stream whose types are known are told apart by them.
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
export type Streams = Expect<Equal<EventStream<Jobs> extends AsyncIterable<unknown> ? true : false, true>>;
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
// @ts-expect-error no such option
connect('/x', { reties: 5 });

// A test opens streams of an application or of an address.
export async function test(app: INestApplication): Promise<void> {
  const stream: TestStream = await openStream(app, '/x', { lastEventId: '1', body: { a: 1 }, timeoutMs: 5 });
  await openStream('http://localhost:3000', '/x');
  const events: TestEvent[] = await stream.collect(2);
  const { pct } = (await stream.next('progress')).json<{ pct: number }>();
  pct.toFixed(events.length);
  stream.raw() satisfies string;
  // @ts-expect-error a type is text
  await stream.next(7);
}
