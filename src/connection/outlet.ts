import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import type { SseEvent } from '../events/sse-event.js';
import { COMMENT } from '../wire/encode-event.js';
import { SocketBody, bodyOf, directSocket, type Body, type SharedBytes } from './body.js';
import { OverflowQueue, type OverflowOptions } from './overflow.js';
import { openResponse, rawResponse, type RawResponse } from './response.js';
import type { SharedTimers } from './shared-timers.js';
import { StallWatch, unsentBytes } from './stall-watch.js';

/** What an outlet works with. */
export interface OutletSettings {
  response: object;
  timers: SharedTimers;
  stallMs: number | false;
  overflow: Required<OverflowOptions>;
}

/** Who is told what becomes of an outlet. */
export interface OutletListener {
  /** The head is on its way. */
  opening(): void;
  /** More waits than may. */
  overflowed(): void;
  /** The application's `coalesce` has thrown. */
  failed(error: unknown): void;
  /** Node does not take the head; nothing of it was sent. */
  refused(error: unknown): void;
  /** The client takes nothing of what waits. */
  stalled(): void;
  /** The response takes no more: somebody else has ended it. */
  gone(): void;
}

/** Blocks made in one turn are written together, or at once when they reach this length. */
const JOIN_LENGTH = 16_384;

type State = 'waiting' | 'opening' | 'open' | 'ended';

/** Blocks → bytes → response: the head when it is time, joined writes, and what waits for a client that is behind. */
export class Outlet {
  /** Bytes of the body given to the response. */
  bytes = 0;
  /** When something was last written, on the clock of the timers. */
  lastWriteAt = 0;
  /** Whether the head was sent, or is on its way. */
  started = false;
  /** Events that were dropped. */
  dropped = 0;
  readonly raw: RawResponse;
  private state: State = 'waiting';
  private stream: Writable | undefined;
  private body: Body | undefined;
  private pending = '';
  private scheduled = false;
  private blocked = false;
  private queue: OverflowQueue | undefined;
  private stall: StallWatch | undefined;
  private room: { promise: Promise<void>; resolve: () => void } | undefined;

  constructor(
    private readonly settings: OutletSettings,
    private readonly listener: OutletListener,
  ) {
    this.raw = rawResponse(settings.response);
  }

  /** Whether anything was sent, or is about to be. */
  get used(): boolean {
    return this.state !== 'waiting' || this.pending !== '';
  }
  /** Whether a write would only wait. */
  get waiting(): boolean {
    return this.blocked || this.state !== 'open';
  }
  /** Whether more is welcome. */
  get ready(): boolean {
    return !this.blocked && this.state !== 'opening' && this.pending.length < JOIN_LENGTH;
  }
  get queuedBytes(): number {
    const { queue, body, raw } = this;
    return (queue?.bytes ?? 0) + this.pending.length + (body?.held ?? 0) + (raw.writableLength || 0);
  }

  /** Settles when `ready` may be true again, or the outlet has ended. */
  whenReady(): Promise<void> {
    if (this.ready || this.state === 'ended') return Promise.resolve();
    if (!this.room) {
      let resolve!: () => void;
      const promise = new Promise<void>((done) => (resolve = done));
      this.room = { promise, resolve };
    }
    return this.room.promise;
  }

  /** Sends the head now, without waiting for a block. */
  open(): void {
    if (this.state === 'waiting') this.flush();
  }

  /** Sends a block together with the others of this turn; `anyway` also to a client that is behind. */
  push(block: string, event?: SseEvent, anyway = false): void {
    if (this.blocked || this.state === 'opening') return this.enqueue(block, event, anyway);
    this.pending += block;
    if (this.pending.length >= JOIN_LENGTH) this.flush();
    else if (!this.scheduled) {
      this.scheduled = true;
      process.nextTick(flushOutlet, this);
    }
  }

  /** Sends what others send too, at once where nothing is before it. */
  pushShared(shared: SharedBytes): void {
    if (this.state === 'open' && !this.blocked && this.pending === '') this.writeShared(shared);
    else this.push(shared.text);
  }

  /** @internal Writes what is pending. */
  flush(): void {
    this.scheduled = false;
    if (this.state === 'waiting') return this.sendHead();
    if (this.state !== 'open' || this.blocked || this.pending === '') return;
    const text = this.pending;
    this.pending = '';
    this.write(text);
  }

  /** Ends the response after what waits. */
  end(): void {
    if (this.state === 'ended') return;
    if (this.state === 'waiting') this.open();
    // What was dropped is told before the last words, after which nobody may listen.
    if (this.queue) this.pending += this.queue.report() + this.queue.take(Infinity);
    this.stop();
    if (this.body) this.writeEnd(this.body);
  }

  /** Cuts the response off, without an end that a client could take for the stream's own. */
  cut(): void {
    this.pending = '';
    this.stop();
    const { stream } = this.raw as unknown as { stream?: { close?: (code: number) => void } };
    // 8 is CANCEL (RFC 9113, 7): the session and its other streams stay.
    if (this.raw.req.httpVersionMajor > 1) stream?.close?.(8);
    else this.raw.destroy();
  }

  /** Takes nothing more; what was pending is forgotten unless `end()` sends it. */
  stop(): void {
    this.state = 'ended';
    this.queue = undefined;
    this.stall?.stop();
    this.letIn();
  }

  private sendHead(): void {
    this.state = 'opening';
    this.started = true;
    // First bytes at once: some browsers fire `open` only then.
    const first = COMMENT + this.pending;
    this.pending = '';
    this.listener.opening();
    try {
      openResponse(this.settings.response, (stream) => this.sendFirst(stream, first));
    } catch (error) {
      if (this.stream) throw error;
      this.started = false;
      this.stop();
      this.listener.refused(error);
    }
  }

  private sendFirst(stream: Writable, first: string): void {
    this.stream = stream;
    this.body = bodyOf(this.raw, stream);
    this.pending = first + this.pending;
    if (this.state === 'ended') return this.writeEnd(this.body);
    this.state = 'open';
    this.flush();
    // With the head out, it can be seen how the body goes over the wire.
    const socket = directSocket(this.raw, stream);
    if (socket) this.body = new SocketBody(socket, stream);
    if (!this.blocked) this.drained();
  }

  private write(text: string): void {
    const byteLength = Buffer.byteLength(text);
    if (!this.canWrite(byteLength)) return;
    if (!(this.body as Body).write(text, byteLength)) this.block();
  }

  private writeShared(shared: SharedBytes): void {
    if (!this.canWrite(shared.byteLength)) return;
    if (!(this.body as Body).writeShared(shared)) this.block();
  }

  private canWrite(byteLength: number): boolean {
    const stream = this.stream as Writable;
    if (stream.destroyed || stream.writableEnded) {
      this.listener.gone();
      return false;
    }
    this.lastWriteAt = this.settings.timers.clock.now();
    this.bytes += byteLength;
    return true;
  }

  private block(): void {
    this.blocked = true;
    (this.body as Body).onceDrained(() => this.drained());
    this.watchStall();
  }

  private drained(): void {
    if (this.state === 'ended') return;
    this.blocked = false;
    this.stall?.stop();
    if (this.queue) this.sendQueued(this.queue);
    if (!this.blocked) this.letIn();
  }

  private sendQueued(queue: OverflowQueue): void {
    while (queue.bytes > 0 && !this.blocked) {
      this.pending += queue.take(JOIN_LENGTH);
      this.flush();
    }
    if (this.blocked) return;
    this.pending += queue.report();
    this.flush();
  }

  private enqueue(block: string, event: SseEvent | undefined, anyway: boolean): void {
    const queue = (this.queue ??= new OverflowQueue(this.settings.overflow));
    if (anyway) return queue.addAnyway(block);
    let kept: boolean;
    try {
      kept = queue.add(block, event);
    } catch (error) {
      this.listener.failed(error);
      return;
    }
    this.dropped = queue.dropped;
    if (!kept) this.listener.overflowed();
  }

  private writeEnd(body: Body): void {
    const rest = this.pending;
    this.pending = '';
    this.bytes += Buffer.byteLength(rest);
    body.end(rest);
    // A client that never reads the rest would hold the response for good.
    if (!this.raw.writableFinished) this.watchStall();
  }

  private watchStall(): void {
    const { stallMs, timers } = this.settings;
    if (stallMs === false) return;
    this.stall ??= new StallWatch(
      () => unsentBytes(this.raw) + (this.body?.held ?? 0),
      timers,
      stallMs,
      () => this.listener.stalled(),
    );
    this.stall.start();
  }

  private letIn(): void {
    const { room } = this;
    this.room = undefined;
    room?.resolve();
  }

  /** The response is over. */
  closed(): void {
    this.pending = '';
    this.stop();
    const { req, socket } = this.raw;
    // The rest of a body that nobody reads would be waited for, and the connection could not be used again before.
    const carrier: Partial<Socket> = socket ?? req.socket;
    if (req.httpVersionMajor === 1 && !req.complete) carrier.destroySoon?.();
  }
}

function flushOutlet(outlet: Outlet): void {
  outlet.flush();
}
