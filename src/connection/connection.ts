import type { Sink } from '../events/sink.js';
import type { SseEvent } from '../events/sse-event.js';
import { SseError, type SseErrorCode } from '../errors/sse.errors.js';
import type { Demand } from '../source/source.js';
import { EMPTY_COMMENT, encodeEvent } from '../wire/encode-event.js';
import { CLOSE_REASONS } from '../errors/close-reasons.js';
import { SharedText } from './shared-text.js';
import { Outlet } from './outlet.js';
import type { OutletHost, OutletListener, OutletOptions } from './outlet-host.js';
import { routeOf } from './response.js';
import type { SseConnection } from './sse-connection.js';
import type { OverflowLimit } from './overflow.js';
import type { SharedTimers } from '../time/shared-timers.js';

/** What a connection knows from the start. */
export interface ConnectionInit {
  number: number;
  request: object;
  response: object;
  lastEventId: string | undefined;
}

/** The limit for which a client was too slow. */
export type CutOffLimit = OverflowLimit | 'stallMs';

/** Who is told what becomes of a connection. */
export interface ConnectionListener {
  /** The head is about to be sent, and can still be changed. */
  beforeHead(): void;
  /** The head is out, or on its way where the framework has a hand in it. */
  opened(): void;
  /** About to be cut off, because the client is too slow: what waits for it can still be seen. */
  cutOff(limit: CutOffLimit): void;
  /** Over, for the reason that `code` names; `error` is there if nothing was sent and an HTTP error can be. */
  closed(code: SseErrorCode, error?: unknown): void;
  /** Something of the application's that was asked about an event has thrown. */
  failed(error: unknown): void;
  /** Middleware of the application has thrown when it was written to: nothing more can be sent. */
  broken(error: unknown): void;
  /** The response is finished or cut off. */
  finished(): void;
}

/** One stream from its request to its one end: events go to the outlet, and whoever ends it first is the reason. */
export class StreamConnection implements Sink<SseEvent>, Demand, SseConnection, OutletListener {
  /** Why the stream will be over when its source is. */
  cause: SseErrorCode = 'SSE_ENDED';
  /** Nothing follows but the last words, which are to be said whatever waits. */
  ending = false;
  /** The application shuts down: the client is to come back, so nothing may tell it that this was the end. */
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
  /** @internal Where encoded batches go. */
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

  /** Begins to watch for the client's leaving. */
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
  /** When something was last written, on the clock of the timers. */
  get lastWriteAt(): number {
    return this.outlet.lastWriteAt;
  }

  /** Made when it is first asked for: most streams never do. */
  get signal(): AbortSignal {
    if (!this.controller) {
      this.controller = new AbortController();
      if (this.closeCode) this.abortSignal(this.closeCode);
    }
    return this.controller.signal;
  }
  /** Whether somebody may be listening to the signal. */
  get observed(): boolean {
    return this.controller !== undefined;
  }

  get ready(): boolean {
    return this.outlet.ready;
  }
  whenReady(): Promise<void> {
    return this.outlet.whenReady();
  }

  /** Whether anything was sent, or is about to be: from then on an error is an event. */
  get used(): boolean {
    return this.outlet.used;
  }
  /** Whether the head was sent, or is on its way. */
  get started(): boolean {
    return this.outlet.started;
  }
  /** Whether a write would only wait. */
  get waiting(): boolean {
    return this.outlet.waiting;
  }

  /** Sends the head now, without waiting for an event. */
  open(): void {
    if (!this.ended) this.outlet.open();
  }

  next(event: SseEvent): void {
    if (this.ended) return;
    // Compared by identity: the heartbeat without a payload is always this one object. It goes out as bytes that were
    // encoded once for all connections. An application's own `comment('')` is another object with the same bytes.
    if (event === EMPTY_COMMENT) return this.outlet.batch(SILENT_BEAT);
    const block = encodeEvent(event);
    if (block === '') return;
    if (event.data !== undefined || event.raw !== undefined) this.outlet.events++;
    this.outlet.push(block, event, this.ending);
  }

  /** The source failed: before the head that is an HTTP error, after it there is nothing left but the end. */
  error(error: unknown): void {
    if (this.used) this.end(this.cause);
    else this.settle(this.cause, error);
  }

  complete(): void {
    this.end(this.cause);
  }

  close(): void {
    this.end('SSE_CLOSED');
  }

  /** Ends the response after what waits. */
  end(code: SseErrorCode): void {
    if (this.ended) return;
    if (this.handedOver) return this.destroy(code);
    this.outlet.end();
    this.settle(code);
  }

  /** Ends the response with one more event, which is sent whatever waits. */
  endWith(last: SseEvent | undefined, code: SseErrorCode): void {
    this.ending = true;
    if (last) this.next(last);
    this.end(code);
  }

  /** Cuts the connection, without an end that the client could take for the stream's own. */
  destroy(code: SseErrorCode): void {
    this.outlet.cut();
    this.settle(code);
  }

  /** Tells the handler that the application goes, so that it can say goodbye, and the client when to come back. */
  leave(retryMs: number | undefined): void {
    if (this.ended || this.leaving) return;
    this.leaving = true;
    // A download may finish in the time that a shutdown has.
    if (this.handedOver) return this.abortSignal('SSE_SHUTDOWN');
    if (!this.used) return this.settle('SSE_SHUTDOWN');
    if (retryMs !== undefined) this.outlet.push(`retry: ${retryMs}\n\n`, undefined, true);
    if (this.observed) this.abortSignal('SSE_SHUTDOWN');
    else this.end('SSE_SHUTDOWN');
  }

  /**
   * Leaves the response to a body that is not an event stream. The connection stays open until `release()`, and cuts the
   * response if it ends before.
   */
  handOver(): void {
    this.handedOver = true;
    this.outlet.stop();
  }

  /** Leaves the response to the route's ordinary answer. */
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
    this.controller.abort(new SseError(code, CLOSE_REASONS[code] ?? 'The stream is over.'));
  }
}

/** What most heartbeats are, the same bytes for all. */
const SILENT_BEAT = new SharedText(encodeEvent(EMPTY_COMMENT), 0);
