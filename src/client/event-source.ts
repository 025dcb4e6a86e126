import type { RequestOptions } from './client.options.js';
import { connect } from './connect.js';
import type { EventStream } from './event-stream.js';

/** Options of {@link EventSource}: those of `connect()`, and `withCredentials` in place of `credentials`. */
export interface EventSourceOptions extends Omit<RequestOptions, 'credentials' | 'onRetry' | 'onState'> {
  /** Sends cookies to other origins. @default false */
  withCredentials?: boolean;
}

/** The event `error` of an {@link EventSource}. */
export interface EventSourceErrorEvent extends Event {
  /** The failure. It is `undefined` if the response ended in order, or if the server finished the stream. */
  readonly error?: unknown;
}

type Listening = (event: Event) => unknown;
type Listener<E> = ((event: E) => unknown) | { handleEvent(event: E): unknown } | null;
type ListenerOptions = Parameters<EventTarget['addEventListener']>[2];

/**
 * `EventSource` of browsers (WHATWG HTML, 9.2) over `connect()`: a replacement with headers, methods and bodies, also in Node.
 * Unlike the original, it reconnects after 408, 425, 429 and 5xx, and it makes no request after a stream that the server finished.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS`, `SSE_NOT_SERIALIZABLE`
 * @example
 * const source = new EventSource('/imports/7', { headers: { Authorization: 'Bearer …' } });
 * source.addEventListener('progress', ({ data }) => (bar.value = JSON.parse(data).percent));
 */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging -- overloads of methods that EventTarget implements
export class EventSource extends EventTarget {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSED = 2;
  readonly CONNECTING = 0;
  readonly OPEN = 1;
  readonly CLOSED = 2;
  /** The absolute URL. */
  readonly url: string;
  readonly withCredentials: boolean;
  /** Called when a response has arrived. */
  onopen: ((event: Event) => unknown) | null = null;
  /** Called with each event without a name. */
  onmessage: ((event: MessageEvent) => unknown) | null = null;
  /** Called before a reconnect, and when the source has closed by itself: see `readyState`. */
  onerror: ((event: EventSourceErrorEvent) => unknown) | null = null;
  readonly #stream: EventStream;
  #closed = false;

  constructor(url: string | URL, { withCredentials = false, ...options }: EventSourceOptions = {}) {
    super();
    for (const type of ['open', 'message', 'error'] as const) {
      this.addEventListener(type, (event: Event) => (this[`on${type}`] as Listening | null)?.(event));
    }
    const fail = (error: unknown): void => {
      if (!this.#closed) this.dispatchEvent(Object.assign(new Event('error'), { error }));
    };
    const events = (this.#stream = connect(url, {
      ...options,
      credentials: withCredentials ? 'include' : 'same-origin',
      onState: (state) => state === 'open' && this.dispatchEvent(new Event('open')),
      onRetry: ({ error }) => fail(error),
    }));
    const { href, origin } = new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href);
    this.url = href;
    this.withCredentials = withCredentials;
    void (async () => {
      try {
        for await (const { type, data, lastEventId } of events) {
          this.dispatchEvent(new MessageEvent(type, { data, lastEventId, origin }));
        }
        fail(undefined);
      } catch (error) {
        fail(error);
      }
    })();
  }

  /** `CONNECTING`, `OPEN` or `CLOSED`. */
  get readyState(): 0 | 1 | 2 {
    const { state } = this.#stream;
    return state === 'open' ? 1 : state === 'closed' ? 2 : 0;
  }

  /** Closes the connection. No event follows. */
  close(): void {
    this.#closed = true;
    this.#stream.close();
  }
}

/** The types of the listeners. */
export interface EventSource {
  addEventListener(type: 'error', listener: Listener<EventSourceErrorEvent>, options?: ListenerOptions): void;
  addEventListener(type: 'open', listener: Listener<Event>, options?: ListenerOptions): void;
  addEventListener(type: string, listener: Listener<MessageEvent>, options?: ListenerOptions): void;
  removeEventListener(
    type: 'error',
    listener: Listener<EventSourceErrorEvent>,
    options?: ListenerOptions,
  ): void;
  removeEventListener(type: 'open', listener: Listener<Event>, options?: ListenerOptions): void;
  removeEventListener(type: string, listener: Listener<MessageEvent>, options?: ListenerOptions): void;
}
