import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { SseError } from '../errors/sse.errors.js';
import { blockReader } from '../wire/block-reader.js';

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
  private over: 'no' | 'ended' | 'cut off' | 'closed' = 'no';
  /** Called when something happens. */
  private readonly waiting = new Set<() => void>();

  /** @internal */
  constructor(
    private readonly response: IncomingMessage,
    private readonly what: string,
    private readonly timeoutMs: number,
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
        if (holds(event)) return event;
        passed.push(event);
      }
      this.check();
      if (this.over !== 'no') throw this.failure(what, passed, `The stream ${this.state()} before.`);
      await this.wait(what, passed);
    }
  }

  /** The next `count` events. */
  async collect(count: number): Promise<Event[]> {
    const events: Event[] = [];
    while (events.length < count)
      events.push(await this.until(() => true, `event ${events.length + 1} of ${count}`));
    return events;
  }

  /** All events up to the end of the stream. */
  async rest(): Promise<Event[]> {
    await this.end();
    return this.events.splice(0);
  }

  /** Resolves once the response is over, with how: `ended` as it should, or `cut off`. */
  async end(): Promise<'ended' | 'cut off' | 'closed'> {
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
    while (!holds(this.received)) {
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
      const timer = setTimeout(() => {
        this.waiting.delete(goOn);
        reject(this.failure(what, passed, `Nothing arrived for ${this.timeoutMs} ms.`));
      }, this.timeoutMs);
      const goOn = (): void => {
        this.waiting.delete(goOn);
        clearTimeout(timer);
        resolve();
      };
      this.waiting.add(goOn);
    });
  }

  private state(): string {
    return this.over === 'ended'
      ? 'ended'
      : this.over === 'closed'
        ? 'was closed by the test'
        : 'was cut off';
  }

  private failure(what: string, passed: readonly Event[], why: string): SseError {
    const tail = this.received.slice(-500);
    const list = passed.map((event) => `${event.type}: ${dataOf(event).slice(0, 80)}`).join('\n  ');
    const seen = passed.length > 0 ? `Events passed over:\n  ${list}\n` : '';
    return new SseError(
      'SSE_TEST_TIMEOUT',
      `${this.what} (status ${this.status}): waited for ${what}. ${why}`,
      {
        remedy: `${seen}The body ends with: ${JSON.stringify(tail)}`,
        context: { received: this.received },
      },
    );
  }
}

function dataOf(event: object): string {
  const { data } = event as { data: unknown };
  return typeof data === 'string' ? data : JSON.stringify(data);
}
