// Longer than most: every way in which a connection ends meets here.
import type { Sink } from '../events/sink.js';
import type { SseEvent } from '../events/sse-event.js';
import type { SseErrorCode } from '../errors/sse.errors.js';
import type { Demand } from '../source/source.js';
import { EMPTY_COMMENT, encodeEvent } from '../wire/encode-event.js';
import { closeReason } from '../errors/close-reasons.js';
import { guardedController } from '../errors/guarded-signal.js';
import { SharedText } from './shared-text.js';
import { Outlet } from './outlet.js';
import type { OutletHost, OutletListener, OutletOptions } from './outlet-host.js';
import { routeOf } from './response.js';
import type { SseConnection } from './sse-connection.js';
import type { OverflowLimit } from './overflow.js';
import type { SharedTimers } from '../time/shared-timers.js';
import { deliveries } from '../time/slices.js';

/** The request and response of a new connection. */
export interface ConnectionInit {
  number: number;
  request: object;
  response: object;
  lastEventId: string | undefined;
}

/** The limit that a slow client has exceeded. */
export type CutOffLimit = OverflowLimit | 'stallMs';

/** Callbacks of a {@link StreamConnection}. */
export interface ConnectionListener {
  /** The head is about to be sent. It can still be changed. */
  beforeHead(): void;
  /** The head was sent, or the framework is sending it. */
  opened(): void;
  /** The connection is about to be cut off, because the client is too slow. Its queue can still be inspected. */
  cutOff(limit: CutOffLimit): void;
  /** The stream has ended with this code. With an `error`, nothing was sent, and an HTTP error can be. */
  closed(code: SseErrorCode, error?: unknown): void;
  /** The application's `coalesce` has thrown for an event. */
  failed(error: unknown): void;
  /** The `write()` or `end()` of the application's middleware has thrown. Nothing more can be sent. */
  broken(error: unknown): void;
  /** A listener of the application on the signal has thrown or rejected. */
  teardownFailed(error: unknown): void;
  /** The response is finished or cut off. */
  finished(): void;
}

/** One stream, from its request to its end. It encodes events for its outlet, and the first code that ends it counts. */
export class StreamConnection implements Sink<SseEvent>, Demand, SseConnection, OutletListener {
  /** The code with which the stream ends when its source does. */
  cause: SseErrorCode = 'SSE_ENDED';
  /** Only the last event of the stream follows, which is exempt from the overflow limits. */
  ending = false;
  /** The application is shutting down. The client must reconnect, so no event may tell it that the stream is complete. */
  leaving = false;
  /** Nothing more can be sent. */
  ended = false;
  /** The response has a body that is not an event stream. */
  private handedOver = false;
  readonly request: object;
  /** The framework's response. */
  readonly response: object;
  readonly lastEventId: string | undefined;
  readonly timers: SharedTimers;
  /** @internal Encoded batches are written to it directly. */
  readonly outlet: Outlet;
  readonly number: number;
  private readonly openedAtMs = Date.now();
  private controller: AbortController | undefined;
  private closeCode: SseErrorCode | undefined;

  constructor(
    host: OutletHost,
    options: OutletOptions,
    { number, request, response, lastEventId }: ConnectionInit,
    private readonly listener: ConnectionListener,
  ) {
    this.number = number;
    this.request = request;
    this.response = response;
    this.lastEventId = lastEventId;
    this.timers = host.timers;
    this.outlet = new Outlet(host, options, response, this);
  }

  /** Starts to watch for a client that leaves. */
  watch(): void {
    this.outlet.watch();
  }

  get id(): string {
    return this.number.toString(36);
  }
  get route(): string {
    return routeOf(this.request);
  }
  get ip(): string | undefined {
    return (this.request as { ip?: string }).ip;
  }
  get openedAt(): Date {
    return new Date(this.openedAtMs);
  }
  get events(): number {
    return this.outlet.events - this.outlet.dropped;
  }
  get bytes(): number {
    return this.outlet.bytes;
  }
  get queuedBytes(): number {
    return this.outlet.queuedBytes;
  }
  get dropped(): number {
    return this.outlet.dropped;
  }
  /** The time of the last write, by the clock of the timers. */
  get lastWriteAt(): number {
    return this.outlet.lastWriteAt;
  }

  /** Created on first use, because most streams never use it. */
  get signal(): AbortSignal {
    if (!this.controller) {
      this.controller = guardedController((error) => this.listener.teardownFailed(error));
      if (this.closeCode) this.abortSignal(this.closeCode);
    }
    return this.controller.signal;
  }
  /** True if the signal was used, so that a handler may be listening to it. */
  get observed(): boolean {
    return this.controller !== undefined;
  }

  get ready(): boolean {
    return this.outlet.ready;
  }
  whenReady(): Promise<void> {
    return this.outlet.whenReady();
  }

  /** True if something was sent, or is about to be sent. From then on an error is an event instead of an HTTP error. */
  get used(): boolean {
    return this.outlet.used;
  }
  /** True once the head was sent, or while the framework is sending it. */
  get started(): boolean {
    return this.outlet.started;
  }
  /** True if a write would only be queued, or if earlier bytes are still unsent. */
  get waiting(): boolean {
    return this.outlet.waiting;
  }

  /** Sends the head now, without waiting for an event. */
  open(): void {
    if (!this.ended) this.outlet.open();
  }

  next(event: SseEvent): void {
    if (this.ended) return;
    // Compared by identity: a heartbeat without a payload is always this object. Its bytes are encoded once for all
    // connections. A `comment('')` of the application is another object, and takes the normal path to the same bytes.
    if (event === EMPTY_COMMENT) return this.outlet.batch(SHARED_HEARTBEAT);
    const block = encodeEvent(event);
    if (block === '') return;
    if (event.data !== undefined || event.raw !== undefined) this.outlet.events++;
    this.outlet.push(block, event, this.ending);
  }

  /** The source has failed. Before the head this becomes an HTTP error. After it the stream just ends. */
  error(error: unknown): void {
    if (this.used) this.end(this.cause);
    else this.settle(this.cause, error);
  }

  complete(): void {
    this.end(this.cause);
  }

  close(): void {
    // An event that some clients have received already must reach this one too.
    if (!this.ended) deliveries.finish();
    this.end('SSE_CLOSED');
  }

  /** Ends the response after all queued events. */
  end(code: SseErrorCode): void {
    if (this.ended) return;
    if (this.handedOver) return this.destroy(code);
    this.outlet.end();
    this.settle(code);
  }

  /** Ends the response with one more event, which is exempt from the overflow limits. */
  endWith(last: SseEvent | undefined, code: SseErrorCode): void {
    this.ending = true;
    if (last) this.next(last);
    this.end(code);
  }

  /** Breaks the connection, so that the client cannot mistake this for the end of the stream. */
  destroy(code: SseErrorCode): void {
    this.outlet.cut();
    this.settle(code);
  }

  /** Starts the shutdown: sends `retry:` to the client, and aborts the signal so that the handler can send last events. */
  leave(retryMs: number | undefined): void {
    if (this.ended || this.leaving) return;
    deliveries.finish();
    this.leaving = true;
    // A download can finish within the time of the shutdown.
    if (this.handedOver) return this.abortSignal('SSE_SHUTDOWN');
    if (!this.used) return this.settle('SSE_SHUTDOWN');
    if (retryMs !== undefined) this.outlet.push(`retry: ${retryMs}\n\n`, undefined, true);
    if (this.observed) this.abortSignal('SSE_SHUTDOWN');
    else this.end('SSE_SHUTDOWN');
  }

  /**
   * Hands the response over to a body that is not an event stream. The connection stays open until `release()`. If it ends
   * before that, it cuts the response off.
   */
  handOver(): void {
    this.handedOver = true;
    this.outlet.stop();
  }

  /** Leaves the response to the ordinary answer of the route. */
  release(): void {
    this.settle('SSE_ENDED');
  }

  /** @internal */
  beforeHead(): void {
    this.listener.beforeHead();
  }

  opened(): void {
    this.listener.opened();
  }

  overflowed(limit: OverflowLimit): void {
    this.listener.cutOff(limit);
    this.destroy('SSE_OVERFLOW');
  }

  failed(error: unknown): void {
    this.listener.failed(error);
  }

  refused(error: unknown): void {
    this.settle(this.cause, error);
  }

  broken(error: unknown): void {
    this.listener.broken(error);
    this.destroy('SSE_CLIENT_GONE');
  }

  stalled(): void {
    this.listener.cutOff('stallMs');
    this.destroy('SSE_STALLED');
  }

  gone(): void {
    this.outlet.closed();
    this.settle('SSE_CLIENT_GONE');
    this.listener.finished();
  }

  private settle(code: SseErrorCode, error?: unknown): void {
    if (this.ended) return;
    this.ended = true;
    if (!this.started) this.outlet.stop();
    this.closeCode = code;
    this.abortSignal(code);
    this.listener.closed(code, error);
  }

  private abortSignal(code: SseErrorCode): void {
    if (!this.controller || this.controller.signal.aborted) return;
    this.controller.abort(closeReason(code));
  }
}

/** The heartbeat without a payload, encoded once. */
const SHARED_HEARTBEAT = new SharedText(encodeEvent(EMPTY_COMMENT), 0);
