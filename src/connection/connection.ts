import type { Writable } from 'node:stream';
import type { Sink } from '../events/sink.js';
import type { SseEvent } from '../events/sse-event.js';
import { SseError, type SseErrorCode } from '../sse.errors.js';
import type { Demand } from '../source/source.js';
import { COMMENT, encodeEvent } from '../wire/encode-event.js';
import { OverflowQueue, type OverflowOptions } from './overflow.js';
import { openResponse, rawResponse, routeOf, type RawResponse } from './response.js';
import type { SharedTimers } from './shared-timers.js';
import { StallWatch } from './stall-watch.js';

/** One open stream, as handlers (`@SseConnection()`) and `SseConnections` show it. */
export interface SseConnection {
  /** Unlike that of any other connection of this process. */
  readonly id: string;
  /** Method and path pattern of its route, such as `GET /progress/:id`. */
  readonly route: string;
  /** The client's address, as the framework tells it. */
  readonly ip: string | undefined;
  readonly openedAt: Date;
  /** The framework's request: who the user is stands there. */
  readonly request: object;
  /** Where the client left off, from `Last-Event-ID`; `undefined` on a first connect. */
  readonly lastEventId: string | undefined;
  /** Aborts when the stream is over, whoever ended it; `signal.reason` is an `SseError` whose code says why. */
  readonly signal: AbortSignal;
  /** Events sent so far, comments not counted. */
  readonly events: number;
  /** Bytes of the body given to the response so far. */
  readonly bytes: number;
  /** Bytes that wait for the client now. */
  readonly queuedBytes: number;
  /** Events dropped so far because the client was too slow (see `overflow`). */
  readonly dropped: number;
  /** Ends the stream after what waits; the client may reconnect. */
  close(): void;
}

/** What a connection knows from the start. */
export interface ConnectionInit {
  number: number;
  request: object;
  response: object;
  lastEventId: string | undefined;
  timers: SharedTimers;
  stallMs: number | false;
  overflow: Required<OverflowOptions>;
}

/** Who is told what becomes of a connection. */
export interface ConnectionListener {
  /** The head is on its way. */
  opened(): void;
  /** Over, for the reason that `code` names; `error` is there if nothing was sent and an HTTP error can be. */
  closed(code: SseErrorCode, error?: unknown): void;
  /** The response is finished or cut off. */
  finished(): void;
}

type State = 'waiting' | 'opening' | 'open' | 'ended';

/** Blocks made in one turn are written together, or at once when they reach this length. */
const JOIN_LENGTH = 16_384;

/** Events → bytes → response: head, joined writes, backpressure, and one end. */
export class StreamConnection implements Sink<SseEvent>, Demand, SseConnection {
  readonly openedAt = new Date();
  events = 0;
  bytes = 0;
  /** When something was last written, on the clock of the timers. */
  lastWriteAt = 0;
  /** The application shuts down: the client is to come back, so nothing may tell it that this was the end. */
  leaving = false;
  /** Whether the head was sent, or is on its way. */
  started = false;
  private state: State = 'waiting';
  private readonly raw: RawResponse;
  private body: Writable | undefined;
  private pending = '';
  private scheduled = false;
  private blocked = false;
  private queue: OverflowQueue | undefined;
  private stall: StallWatch | undefined;
  private room: { promise: Promise<void>; resolve: () => void } | undefined;
  private controller: AbortController | undefined;
  private closeCode: SseErrorCode | undefined;

  constructor(
    private readonly init: ConnectionInit,
    private readonly listener: ConnectionListener,
  ) {
    this.raw = rawResponse(init.response);
  }

  /**
   * Begins to watch for the client's leaving, by the response's own `close`: a request reports it too early (its body
   * was read) or never (it was not). A response that waits behind another of its connection hears nothing of the
   * socket, which is then asked itself.
   */
  watch(): void {
    const { raw } = this;
    const { socket } = raw.req;
    raw.on('error', ignore);
    if (raw.socket === null && raw.req.httpVersionMajor === 1) {
      const gone = (): void => this.gone();
      socket.once('close', gone);
      raw.once('close', () => socket.off('close', gone));
    }
    raw.once('close', () => this.gone());
    if (raw.destroyed || raw.writableEnded || socket.destroyed) this.gone();
  }

  get id(): string {
    return this.init.number.toString(36);
  }
  get route(): string {
    return routeOf(this.init.request);
  }
  get ip(): string | undefined {
    return (this.init.request as { ip?: string }).ip;
  }
  get request(): object {
    return this.init.request;
  }
  get lastEventId(): string | undefined {
    return this.init.lastEventId;
  }
  get timers(): SharedTimers {
    return this.init.timers;
  }
  get queuedBytes(): number {
    return (this.queue?.bytes ?? 0) + this.pending.length + this.raw.writableLength;
  }
  get dropped(): number {
    return this.queue?.dropped ?? 0;
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
    return !this.blocked && this.state !== 'opening' && this.pending.length < JOIN_LENGTH;
  }
  whenReady(): Promise<void> {
    if (this.ready || this.state === 'ended') return Promise.resolve();
    if (!this.room) {
      let resolve!: () => void;
      const promise = new Promise<void>((done) => (resolve = done));
      this.room = { promise, resolve };
    }
    return this.room.promise;
  }

  /** Whether anything was sent, or is about to be: from then on an error is an event. */
  get opened(): boolean {
    return this.state !== 'waiting' || this.pending !== '';
  }
  get ended(): boolean {
    return this.state === 'ended';
  }
  /** Whether a write would only wait. */
  get waiting(): boolean {
    return this.blocked || this.state !== 'open';
  }

  /** Sends the head now, without waiting for an event. */
  open(): void {
    if (this.state === 'waiting') this.flush();
  }

  next(event: SseEvent): void {
    if (this.state === 'ended') return;
    const block = encodeEvent(event);
    if (block === '') return;
    if (event.data !== undefined || event.raw !== undefined) this.events++;
    if (this.blocked || this.state === 'opening') return this.enqueue(block, event);
    this.pending += block;
    if (this.pending.length >= JOIN_LENGTH) this.flush();
    else if (!this.scheduled) {
      this.scheduled = true;
      process.nextTick(flushLater, this);
    }
  }

  /** The source failed: before the head that is an HTTP error, after it there is nothing left but the end. */
  error(error: unknown): void {
    if (this.opened) this.end('SSE_ENDED');
    else this.settle('SSE_ENDED', error);
  }

  complete(): void {
    this.end('SSE_ENDED');
  }

  close(): void {
    this.end('SSE_CLOSED');
  }

  /** Ends the response after what waits. */
  end(code: SseErrorCode): void {
    if (this.state === 'ended') return;
    if (this.state === 'waiting') this.open();
    const rest = this.pending + (this.queue?.take(Infinity) ?? '');
    const { body } = this;
    this.settle(code);
    this.pending = rest;
    if (body) this.writeEnd(body);
  }

  /** Cuts the connection, without an end that the client could take for the stream's own. */
  destroy(code: SseErrorCode): void {
    this.pending = '';
    this.settle(code);
    const { stream } = this.raw as unknown as { stream?: { close?: (code: number) => void } };
    // 8 is CANCEL (RFC 9113, 7): the session and its other streams stay.
    if (this.raw.req.httpVersionMajor > 1) stream?.close?.(8);
    else this.raw.destroy();
  }

  /** Tells the handler that the application goes, so that it can say goodbye, and the client when to come back. */
  leave(retryMs: number | undefined): void {
    if (this.state === 'ended' || this.leaving) return;
    this.leaving = true;
    if (!this.opened) return this.settle('SSE_SHUTDOWN');
    if (retryMs !== undefined) this.put(`retry: ${retryMs}\n\n`);
    if (this.observed) this.abortSignal('SSE_SHUTDOWN');
    else this.end('SSE_SHUTDOWN');
  }

  /** Leaves the response to the route's ordinary answer. */
  release(): void {
    this.settle('SSE_ENDED');
  }

  private put(block: string): void {
    if (this.blocked || this.state === 'opening') this.enqueue(block, undefined);
    else {
      this.pending += block;
      this.flush();
    }
  }

  private enqueue(block: string, event: SseEvent | undefined): void {
    this.queue ??= new OverflowQueue(this.init.overflow);
    if (!this.queue.add(block, event)) this.destroy('SSE_OVERFLOW');
  }

  /** @internal Called by `flushLater`. */
  flush(): void {
    this.scheduled = false;
    if (this.state === 'waiting') return this.sendHead();
    if (this.state !== 'open' || this.blocked || this.pending === '') return;
    const chunk = this.pending;
    this.pending = '';
    this.write(chunk);
  }

  private sendHead(): void {
    this.state = 'opening';
    this.started = true;
    // First bytes at once: some browsers fire `open` only then.
    const first = COMMENT + this.pending;
    this.pending = '';
    this.listener.opened();
    openResponse(this.init.response, (body) => {
      this.body = body;
      body.on('drain', () => this.drained());
      this.pending = first + this.pending;
      if (this.ended) return this.writeEnd(body);
      this.state = 'open';
      this.flush();
      if (!this.blocked) this.drained();
    });
  }

  private write(chunk: string): void {
    const body = this.body as Writable;
    if (body.destroyed || body.writableEnded) return this.gone();
    this.lastWriteAt = this.init.timers.clock.now();
    this.bytes += Buffer.byteLength(chunk);
    if (body.write(chunk)) return;
    this.blocked = true;
    if (this.init.stallMs === false) return;
    this.stall ??= new StallWatch(this.raw, this.init.timers, this.init.stallMs, () =>
      this.destroy('SSE_STALLED'),
    );
    this.stall.start();
  }

  private writeEnd(body: Writable): void {
    const rest = this.pending;
    this.pending = '';
    this.bytes += Buffer.byteLength(rest);
    if (body.destroyed || body.writableEnded) return;
    // Not `end(rest)`: middleware that wraps write() is to see every byte.
    if (rest !== '') body.write(rest);
    body.end();
    // A client that never reads the rest would hold the response for good.
    if (this.init.stallMs !== false && !this.raw.writableFinished) {
      this.stall ??= new StallWatch(this.raw, this.init.timers, this.init.stallMs, () =>
        this.destroy('SSE_STALLED'),
      );
      this.stall.start();
    }
  }

  private drained(): void {
    this.blocked = false;
    this.stall?.stop();
    while (this.queue && this.queue.bytes > 0 && !this.blocked && !this.ended) {
      this.pending += this.queue.take(JOIN_LENGTH);
      this.flush();
    }
    if (!this.blocked) this.letIn();
  }

  private letIn(): void {
    const { room } = this;
    this.room = undefined;
    room?.resolve();
  }

  private settle(code: SseErrorCode, error?: unknown): void {
    if (this.state === 'ended') return;
    this.state = 'ended';
    this.closeCode = code;
    this.abortSignal(code);
    this.letIn();
    this.listener.closed(code, error);
  }

  private abortSignal(code: SseErrorCode): void {
    if (!this.controller || this.controller.signal.aborted) return;
    this.controller.abort(new SseError(code, CLOSE_REASONS[code] ?? 'The stream is over.'));
  }

  private gone(): void {
    this.stall?.stop();
    this.pending = '';
    this.queue = undefined;
    this.settle('SSE_CLIENT_GONE');
    this.listener.finished();
  }
}

const CLOSE_REASONS: Partial<Record<SseErrorCode, string>> = {
  SSE_CLIENT_GONE: 'The client has left.',
  SSE_OVERFLOW: 'More events waited for the client than "overflow.maxBytes" allows.',
  SSE_STALLED: 'The client has read nothing for "stallMs".',
  SSE_ENDED: 'The stream has ended.',
  SSE_CLOSED: 'The connection was closed by the application.',
  SSE_SHUTDOWN: 'The application is shutting down.',
  SSE_EXPIRED: 'The time of this stream is up.',
};

function ignore(): void {
  // A write that fails is followed by `close`, which is where a client's leaving is handled.
}

function flushLater(connection: StreamConnection): void {
  connection.flush();
}
