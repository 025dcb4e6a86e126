import { Controller, Get, Inject, Injectable, Post } from '@nestjs/common';
import { NEVER, Subject, type Observable } from 'rxjs';
import { Channels, Sse, SseSignal } from 'nestjs-event-stream';

const KILOBYTE = 'x'.repeat(1000);
const CHUNK = 'x'.repeat(60_000);

/** The events of `publish`, for every listener. */
@Injectable()
export class Feed {
  readonly subject = new Subject<string>();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** Streams of every kind for clients that misbehave. */
@Controller()
export class StreamsController {
  constructor(
    @Inject(Feed) private readonly feed: Feed,
    @Inject(Channels) private readonly channels: Channels,
  ) {}

  /** Pulled as fast as the client reads. */
  @Sse('flood')
  *flood() {
    for (let i = 0; ; i++) yield { id: String(i), data: KILOBYTE };
  }

  @Sse('short')
  *short() {
    yield 1;
  }

  /** In pieces larger than any socket takes at once. */
  @Sse('chunks')
  async *chunks() {
    for (;;) yield CHUNK;
  }

  @Sse('silent', { limit: { key: 'ip', max: 100_000 } })
  silent() {
    return NEVER;
  }

  @Sse('polite')
  async *polite(@SseSignal() signal: AbortSignal) {
    yield 'hello';
    await aborted(signal);
    yield { type: 'bye', data: '' };
  }

  /** Ignores its signal. */
  @Sse('deaf')
  async *deaf(@SseSignal() _signal: AbortSignal) {
    yield 'hello';
    await new Promise(() => undefined);
  }

  @Sse('ticks')
  async *ticks(@SseSignal() signal: AbortSignal) {
    for (let i = 0; !signal.aborted; i++) {
      yield `${process.hrtime.bigint()} ${i}`;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  @Sse('live')
  live(): Observable<string> {
    return this.feed.subject;
  }

  @Sse('live/bounded', { overflow: { maxBytes: 65_536, policy: 'drop-oldest' } })
  bounded(): Observable<string> {
    return this.feed.subject;
  }

  @Sse('channel')
  channel() {
    return this.channels.channel('faults').subscribe();
  }

  @Post('post')
  post() {
    return { ok: true };
  }

  @Get('ordinary')
  ordinary() {
    return { ok: true };
  }
}
