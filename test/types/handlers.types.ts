import {
  applyDecorators,
  Body,
  Controller,
  Header,
  HttpCode,
  Next,
  RequestMethod,
  Res,
  UseGuards,
} from '@nestjs/common';
import {
  Channels,
  comment,
  event,
  eventsOf,
  raw,
  retryAfter,
  Sse,
  SseEvent,
  SseSignal,
  type Channel,
  type GapEvent,
  type SseRouteOptions,
} from 'nestjs-event-stream';
import { defineEvents, text, type, type EventOf, type Yields } from 'nestjs-event-stream/events';
import type { Readable } from 'node:stream';
import { interval, map, type Observable } from 'rxjs';
import { z } from 'zod';

const events = defineEvents({
  progress: z.object({ percent: z.number(), kind: z.enum(['a', 'b']).optional() }),
  done: type<{ url: string }>(),
});
const messages = defineEvents({ message: z.object({ role: z.string() }), token: text() });
const words = defineEvents({ message: text() });
declare const progress: Observable<EventOf<typeof events>>;
declare const channels: Channels;
declare const channel: Channel<number>;
declare const readable: Readable;
declare const bytes: ReadableStream<Uint8Array>;
declare const response: Response;
declare const unknown: unknown;
interface ExpressResponse {
  status(code: number): this;
  send(body?: unknown): this;
  end(): this;
}

// Without a contract: everything that can be streamed or answered.
@Controller()
export class Any {
  @Sse() array() {
    return [1, 'a'];
  }
  @Sse() async *generator() {
    yield unknown;
  }
  @Sse() *numbers() {
    yield 1;
  }
  @Sse() observable() {
    return interval(1).pipe(map((n) => ({ n })));
  }
  @Sse() async promised() {
    return interval(1);
  }
  @Sse() readable() {
    return readable;
  }
  @Sse() bytes() {
    return bytes;
  }
  @Sse() response() {
    return response;
  }
  @Sse() async fetched() {
    return fetch('http://localhost');
  }
  @Sse() subscription() {
    return channel.subscribe();
  }
  @Sse() either(@Body() body: { stream: boolean }) {
    return body.stream ? interval(1) : { answer: 42 };
  }
  @Sse() number() {
    return 42;
  }
  @Sse() buffer() {
    return Buffer.from('a');
  }
  @Sse() nothing(): undefined {}
  @Sse() @HttpCode(204) nul() {
    return null;
  }
  @Sse() any() {
    return JSON.parse('{}');
  }
  @Sse() unknown(): unknown {
    return {};
  }
  @Sse() throws(): never {
    throw new Error('not implemented');
  }
  @Sse() async rejects(): Promise<never> {
    throw new Error('not implemented');
  }
  @Sse() own(@Res() own: ExpressResponse) {
    own.status(202).send();
  }
  @Sse() next(@Next() next: (error?: unknown) => void) {
    next();
  }
  @Sse() optional(id?: string) {
    return id === undefined ? undefined : [id];
  }
  overloaded(id: string): string[];
  overloaded(id: number): number[];
  @Sse() overloaded(id: string | number): (string | number)[] {
    return [id];
  }
  @Sse() generic<T>(value: T): T[] {
    return [value];
  }
  @applyDecorators(Sse('composed'), Header('a', 'b'), UseGuards()) composed() {
    return [1];
  }
}
export class NotAny {
  // @ts-expect-error: The method returns nothing. Add a return. Declare the result as undefined for an empty answer, or as never if it always throws.
  @Sse() forgotten() {
    interval(1);
  }
  // @ts-expect-error: The method returns nothing.
  @Sse() async forgottenPromise(@Body() body: { id: string }) {
    await Promise.resolve(body);
  }
  // @ts-expect-error: The method returns nothing.
  @Sse() sometimes(): Observable<number> | void {}
  // @ts-expect-error: A string cannot be streamed. Yield it, or return it in an object.
  @Sse() string() {
    return 'a'.repeat(5);
  }
  // @ts-expect-error: A string cannot be streamed.
  @Sse() async sometimesString(@Body() body: { stream: boolean }) {
    return body.stream ? [1] : 'a';
  }
  // @ts-expect-error: A function cannot be streamed. Call it, and return what it returns.
  @Sse() function() {
    return async function* () {
      yield 1;
    };
  }
  // @ts-expect-error: Subscribe to the channel, and return the subscription.
  @Sse() channel() {
    return channels.channel('a');
  }
  // @ts-expect-error: An iterator cannot be iterated. Return its generator, or an iterable.
  @Sse() iterator(): Iterator<number> {
    return { next: () => ({ done: true, value: 1 }) };
  }
  // @ts-expect-error: An event that is returned is not sent. Yield it, or return [event].
  @Sse() event() {
    return event({ data: 1 });
  }
  // @ts-expect-error: JSON cannot express this answer.
  @Sse() bigint() {
    return 1n;
  }
}

// With a contract: its events, in every form of a result.
@Controller()
export class Typed {
  @Sse('a', { events }) async *created(@SseSignal() signal: AbortSignal) {
    yield comment('a');
    yield retryAfter(5);
    yield undefined;
    yield event({ id: 5 });
    if (!signal.aborted) yield events.progress({ percent: 1, kind: 'a' }, { id: 7 });
    return events.done({ url: '' });
  }
  @Sse({ events, method: RequestMethod.POST }) *made() {
    yield event({ type: 'progress', data: { percent: 1 } });
    yield new SseEvent('done', undefined, undefined, undefined, { url: '' });
  }
  @Sse('a', { events }) *written(): Generator<Yields<typeof events>> {
    yield { type: 'progress', data: { percent: 1 } };
    yield { event: 'done', data: { url: '' }, id: 7, retry: 5, comment: 'c' };
  }
  @Sse('a', { events }) *literal() {
    yield { type: 'progress' as const, data: { percent: 1 } };
    yield { type: 'done' as const, data: { url: '' }, id: 5 };
  }
  @Sse('a', { events }) observable() {
    return progress;
  }
  @Sse('a', { events }) async mapped() {
    return interval(1).pipe(map((percent) => events.progress({ percent })));
  }
  @Sse('a', { events }) array() {
    return [events.progress({ percent: 1 }), events.done({ url: '' })];
  }
  @Sse('a', { events }) async awaited() {
    return [Promise.resolve(events.progress({ percent: 1 }))];
  }
  @Sse('a', { events }) answer(@Body() body: { stream: boolean }) {
    return body.stream ? progress : { url: '' };
  }
  @Sse('a', { events }) response() {
    return response;
  }
  @Sse('a', { events }) readable() {
    return readable;
  }
  @Sse('a', { events }) any() {
    return JSON.parse('[]');
  }
  @Sse('a', { events }) *anyValue() {
    yield JSON.parse('{}');
  }
  @Sse('a', { events }) *gap(): Generator<EventOf<typeof events> | GapEvent> {}
  @Sse('a', { events }) nothing(): undefined {}
  @Sse('a', { events }) throws(): never {
    throw new Error('not implemented');
  }
  @Sse('a', { events }) own(@Res() own: ExpressResponse) {
    own.end();
  }
  @Sse('a', { events: messages }) *plain() {
    yield { role: 'user' };
    yield { data: { role: 'user' } };
    yield { type: 'message' as const, data: { role: 'user' } };
    yield messages.token('a');
    yield messages.message({ role: 'user' });
  }
  @Sse('a', { events: words }) *words() {
    yield 'a';
    yield words.message('b');
  }
  @Sse('a', { events: words }) wordList() {
    return ['a', 'b'];
  }
  @Sse('a', { events: words }) bytes() {
    return bytes;
  }
  @Header('a', 'b') @Sse('a', { events }) @HttpCode(200) decorated() {
    return progress;
  }
  @applyDecorators(Sse('a', { events }), Header('a', 'b')) composed() {
    return progress;
  }
}
export class Mistyped {
  // @ts-expect-error: The contract has no event 'progres'.
  @Sse('a', { events }) *name() {
    yield event({ type: 'progres', data: { percent: 1 } });
  }
  // @ts-expect-error: Mismatch<"The data of 'progress' breaks the contract.", { percent: string; }, { percent: number; kind?: "a" | "b" | undefined; }>
  @Sse('a', { events }) async *data() {
    yield events.done({ url: '' });
    yield event({ type: 'progress', data: { percent: '1' } });
  }
  // @ts-expect-error: The data of 'progress' breaks the contract.
  @Sse('a', { events }) *written() {
    yield { type: 'progress' as const, data: { percent: '1' } };
  }
  // @ts-expect-error: The data of 'done' breaks the contract.
  @Sse('a', { events }) *without() {
    yield { type: 'done' as const, comment: 'c' };
  }
  // @ts-expect-error: The name of this event can be any string. Make it with a creator of the contract.
  @Sse('a', { events }) *widened() {
    yield { type: 'progress', data: { percent: 1 } };
  }
  // @ts-expect-error: The name of this event can be any string.
  @Sse('a', { events }) *raw() {
    yield raw('data: 1\n\n');
  }
  // @ts-expect-error: The name of this event can be any string.
  @Sse('a', { events }) upstream() {
    return eventsOf(response);
  }
  // @ts-expect-error: The contract has no event 'message', which a value without a name becomes. Make the event with a creator.
  @Sse('a', { events }) *plain() {
    yield { percent: 1 };
  }
  // @ts-expect-error: The contract has no event 'message'
  @Sse('a', { events }) *string() {
    yield 'a';
  }
  // @ts-expect-error: The contract has no event 'message'
  @Sse('a', { events }) bytes() {
    return bytes;
  }
  // @ts-expect-error: breaks the contract.", { id: number; }, { role: string; }>
  @Sse('a', { events: messages }) *onlyId() {
    yield { id: 5 };
  }
  // @ts-expect-error: Mismatch<"A value without a name is the data of 'message', and breaks the contract.", { role: number; }, { role: string; }>
  @Sse('a', { events: messages }) *message() {
    yield { role: 1 };
  }
  // @ts-expect-error: A value of type unknown cannot be checked. Make the event with a creator of the contract.
  @Sse('a', { events }) *unknown() {
    yield unknown;
  }
  // @ts-expect-error: The contract has no event 'message'
  @Sse('a', { events }) async observable() {
    return interval(1);
  }
  // @ts-expect-error: An event that is returned is not sent. Yield it, or return [event].
  @Sse('a', { events }) returned() {
    return events.done({ url: '' });
  }
  // @ts-expect-error: The method returns nothing.
  @Sse('a', { events }) forgotten() {
    progress.subscribe();
  }
  // @ts-expect-error: The name of this event can be any string.
  @Sse('a', { events }) subscription() {
    return channels.channel('a').subscribe();
  }
  // @ts-expect-error: ~contract
  @Sse('a', { events: {} }) contract() {
    return [];
  }
  // @ts-expect-error: 'hartbeat' does not exist
  @Sse('a', { events, hartbeat: 5 }) typo() {
    return [];
  }
}

// Controllers that inherit, are generic, or make their decorators.
export abstract class Base<T> {
  abstract read(): AsyncIterable<T>;
  @Sse('a', { events }) watch() {
    return this.read();
  }
  @Sse('b') all() {
    return this.read();
  }
}
export class Derived extends Base<EventOf<typeof events>> {
  override async *read() {
    yield events.progress({ percent: 1 });
  }
  @Sse('c', { events }) override watch() {
    return super.watch();
  }
}
const Stream = (path: string, options?: SseRouteOptions) =>
  applyDecorators(Sse(path, options), Header('a', 'b'));
const options: SseRouteOptions = { events, heartbeat: 5 };
export class Made {
  @Stream('a', { events }) *unchecked() {
    yield 1;
  }
  @Sse('b', options) *alsoUnchecked() {
    yield 1;
  }
  // @ts-expect-error: The method returns nothing.
  @Sse('c', options) nothing() {}
}
