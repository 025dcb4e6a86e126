// Longer than most: every method of a stream under test, over one record of what has arrived.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { immediate } from '../errors/guard.js';
import { SseError, quoted } from '../errors/sse.errors.js';
import { blockReader } from '../wire/block-reader.js';
import { MemorySocket } from './memory-socket.js';
import { realTime } from './real-time.js';

/** One event as a client sees it. */
export interface TestEvent {
  /** `message` where the stream names none. */
  type: string;
  data: string;
  /** The id of this block; `undefined` if it has none. */
  id: string | undefined;
  /** The data, parsed. */
  json<T = unknown>(): T;
}

/** The events of a stream that have a type: all of them if types are any text. */
type OfType<Event extends { readonly type: string }, Type> = string extends Event['type']
  ? Event
  : Extract<Event, { readonly type: Type }>;

/** How a test reads a stream. */
export interface TestReading {
  /** The request, for messages. */
  readonly what: string;
  readonly timeoutMs: number;
  readonly stalled: boolean;
}

/** How a stream ended: as it should, or broken off, or because the test left it. */
export type TestStreamEnd = 'ended' | 'cut off' | 'closed' | 'vanished';

/** Makes an event of a block. Returns `undefined` for a block that the test does not see. @throws {SseError} `SSE_INVALID_EVENT` if it breaks the contract */
export type ReadTestEvent<Event> = (type: string, data: string, id: string | undefined) => Event | undefined;

/**
 * A stream under test. Every wait is bounded, and fails with the events that were received instead. With a contract, every wait also
 * fails with `SSE_INVALID_EVENT` after an event that the contract does not have, or whose data breaks its schema.
 */
export class TestStream<Event extends { readonly type: string } = TestEvent> {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Events that were received and not yet asked for. */
  private readonly events: Event[] = [];
  /** The error of the first event that breaks the contract. Nothing is read after it. */
  private broken: unknown;
  private received = '';
  private over: 'no' | TestStreamEnd = 'no';
  private stalled = false;
  /** Called when something happens. */
  private readonly waiting = new Set<() => void>();

  /** @internal */
  constructor(
    private readonly response: IncomingMessage,
    private readonly reading: TestReading,
    read: ReadTestEvent<Event>,
  ) {
    this.status = response.statusCode ?? 0;
    this.headers = response.headers;
    const reader = blockReader(() => undefined);
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    response.on('data', (bytes: Uint8Array) => {
      this.received += decoder.decode(bytes, { stream: true });
      for (const { type, data, id } of reader.feed(bytes)) {
        if (data !== undefined) this.take(() => read(type, data, id));
      }
      this.wake();
    });
    response.on('error', () => undefined);
    response.once('end', () => this.finish('ended'));
    response.once('close', () => this.finish('cut off'));
    if (reading.stalled) this.stall();
  }

  /** The next event, or the next of that type; those before it are passed over. */
  next(): Promise<Event>;
  next<Type extends Event['type']>(type: Type): Promise<OfType<Event, Type>>;
  async next(type?: string): Promise<Event> {
    return this.until(
      (event) => type === undefined || event.type === type,
      type && `an event of type "${type}"`,
    );
  }

  /** The next event for which `holds`; those before it are passed over. */
  async until(holds: (event: Event) => boolean, what = 'an event'): Promise<Event> {
    const passed: Event[] = [];
    for (;;) {
      let event: Event | undefined;
      while ((event = this.events.shift())) {
        if (immediate(holds(event), 'until')) return event;
        passed.push(event);
      }
      this.check();
      if (this.over !== 'no') throw this.failure(what, passed, `The stream ${this.state()} before.`);
      await this.wait(what, passed);
    }
  }

  /** The next `count` events. @throws {SseError} `SSE_INVALID_OPTIONS` for a count that is not a whole number, 0 or more */
  async collect(count: number): Promise<Event[]> {
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new SseError('SSE_INVALID_OPTIONS', `collect() was given ${quoted(count)}.`, {
        remedy: 'Pass a whole number, 0 or more.',
      });
    }
    const events: Event[] = [];
    while (events.length < count)
      events.push(await this.until(() => true, `event ${events.length + 1} of ${count}`));
    return events;
  }

  /** @internal The next event, or `undefined` at the end of the stream. */
  async nextOrEnd(): Promise<Event | undefined> {
    for (;;) {
      const event = this.events.shift();
      if (event) return event;
      this.check();
      if (this.over === 'ended') return undefined;
      const what = 'an event, or the end of the stream';
      if (this.over !== 'no') throw this.failure(what, [], `The stream ${this.state()} before.`);
      await this.wait(what, []);
    }
  }

  /** All events up to the end of the stream. */
  async rest(): Promise<Event[]> {
    await this.end();
    return this.events.splice(0);
  }

  /** Resolves when the response is over, with how: `ended` as it should, `cut off`, or `closed` or `vanished` by the test. */
  async end(): Promise<TestStreamEnd> {
    while (this.over === 'no') await this.wait('the end of the stream', this.events);
    this.check();
    return this.over;
  }

  /** The body so far, byte for byte. */
  raw(): string {
    return this.received;
  }

  /** The body so far, once `holds` for it. */
  async rawUntil(holds: (body: string) => boolean): Promise<string> {
    while (!immediate(holds(this.received), 'rawUntil')) {
      if (this.over !== 'no') throw this.failure('those bytes', [], `The stream ${this.state()} before.`);
      await this.wait('those bytes', []);
    }
    return this.received;
  }

  /** The whole body as JSON: for answers that are not streams. */
  async json<T = unknown>(): Promise<T> {
    await this.end();
    return JSON.parse(this.received) as T;
  }

  /** Leaves, as a client does that is closed. */
  async close(): Promise<void> {
    if (this.over === 'no') this.over = 'closed';
    this.response.destroy();
    await new Promise<void>((resolve) => {
      if (this.response.closed) resolve();
      else this.response.once('close', () => resolve());
    });
  }

  /**
   * Stops reading, as a client does that is too slow. The connection stays open. A server in this process feels it after some 30 kB, one
   * that listens after the megabytes that the kernel buffers.
   */
  stall(): void {
    this.stalled = true;
    this.response.pause();
  }

  /** Reads on after {@link stall}. */
  resume(): void {
    if (this.over === 'vanished') return;
    this.stalled = false;
    this.response.resume();
  }

  /**
   * Leaves without closing the connection, as a client does whose network is gone. The server is not told: only a write that nobody takes
   * can show it.
   */
  vanish(): void {
    if (this.over !== 'no') return;
    this.over = 'vanished';
    this.response.pause();
    const { socket } = this.response;
    if ((socket as unknown) instanceof MemorySocket) (socket as unknown as MemorySocket).vanish();
    // Otherwise the open socket would keep the process of the test running.
    else socket.unref();
    this.wake();
  }

  private finish(how: 'ended' | 'cut off'): void {
    if (this.over === 'no') this.over = how;
    this.wake();
  }

  private take(read: () => Event | undefined): void {
    if (this.broken !== undefined) return;
    try {
      const event = read();
      if (event) this.events.push(event);
    } catch (error) {
      this.broken = error;
    }
  }

  private check(): void {
    if (this.broken !== undefined) throw this.broken;
  }

  private wake(): void {
    for (const goOn of this.waiting) goOn();
  }

  private wait(what: string, passed: readonly Event[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = realTime.setTimeout(() => {
        this.waiting.delete(goOn);
        reject(this.failure(what, passed, this.silence()));
      }, this.reading.timeoutMs);
      const goOn = (): void => {
        this.waiting.delete(goOn);
        realTime.clearTimeout(timer);
        resolve();
      };
      this.waiting.add(goOn);
    });
  }

  private silence(): string {
    const { timeoutMs } = this.reading;
    if (this.stalled) return 'The client does not read: call resume() first.';
    return `Nothing arrived for ${timeoutMs} ms.`;
  }

  private state(): string {
    return STATES[this.over];
  }

  private failure(what: string, passed: readonly Event[], why: string): SseError {
    const tail = this.received.slice(-500);
    const list = passed.map((event) => `${event.type}: ${dataOf(event).slice(0, 80)}`).join('\n  ');
    const seen = passed.length > 0 ? `Events passed over:\n  ${list}\n` : '';
    return new SseError(
      'SSE_TEST_TIMEOUT',
      `${this.reading.what} (status ${this.status}): waited for ${what}. ${why}`,
      {
        remedy: `${seen}The body ends with: ${JSON.stringify(tail)}`,
        context: { received: this.received },
      },
    );
  }
}

const STATES = {
  no: 'is open',
  ended: 'ended',
  'cut off': 'was cut off',
  closed: 'was closed by the test',
  vanished: 'was left by the test',
} as const;

function dataOf(event: object): string {
  const { data } = event as { data: unknown };
  return typeof data === 'string' ? data : JSON.stringify(data);
}
