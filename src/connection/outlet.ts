/* eslint-disable max-lines -- every event of every connection passes here, in one piece */
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import type { SseEvent } from '../events/sse-event.js';
import { COMMENT } from '../wire/encode-event.js';
import { SocketBody, bodyOf, directSocket, takesMore, toChunk } from './body.js';
import type { Body, SharedBatch, SharedBytes } from './body.js';
import { endBody, writeBytes, writeText } from './guarded-write.js';
import { OverflowQueue, type OverflowLimit } from './overflow.js';
import { carriedBytes, cutSession, sessionOf } from './http2-session.js';
import type { OutletHost, OutletListener, OutletOptions } from './outlet-host.js';
import { keepOpen, openResponse, rawResponse, type RawResponse } from './response.js';
import {
  EndWatch,
  cutResponse,
  isReset,
  leaveCarrier,
  watchEnd,
  watchResponse,
  type ResponseOwner,
} from './response-life.js';
import type { SharedTimers } from '../time/shared-timers.js';
import { StallWatch, unsentBytes, type Backlog } from './stall-watch.js';

/** What was written so long ago and has not been taken waits for the client, little as it may be. */
const BEHIND_MS = 1000;

/** Blocks made in one turn are written together, or at once when they reach this length. */
const JOIN_LENGTH = 16_384;

type State = 'waiting' | 'opening' | 'open' | 'ended';

/** Blocks → bytes → response: the head when it is time, joined writes, and what waits for a client that is behind. */
export class Outlet implements ResponseOwner, Backlog {
  // First what a delivery touches: with many connections it is the memory that is read that costs.
  /**
   * The socket, where a chunk may be written to it at once. Invariant, asserted in `outlet.spec.ts`: `free` is set only
   * if `free === direct`, the state is `open`, the outlet is not `blocked`, and neither `pending` nor `held` has anything.
   * Whatever breaks one of these has to clear it; it is set again where the last of them comes true. It may be unset
   * where all are true: that costs time, and nothing else.
   */
  private free: Socket | undefined;
  /** Bytes of the body given to the response. */
  bytes = 0;
  /** Events given to the response, or waiting; those that were dropped, too. */
  events = 0;
  /** When something was last written, on the clock of the timers. */
  lastWriteAt = 0;
  private readonly timers: SharedTimers;
  private state: State = 'waiting';
  private blocked = false;
  private scheduled = false;
  /** Text to be written with the next flush. */
  private pending = '';
  /** One batch to be written with the next flush, as this turn had no room for it. Only with `pending` empty. */
  private held: SharedBatch | undefined;
  private body: Body | undefined;
  private stream: Writable | undefined;
  private direct: Socket | undefined;
  /** Whether the head was sent, or is on its way. */
  started = false;
  /** Events that were dropped. */
  dropped = 0;
  readonly raw: RawResponse;
  private queue: OverflowQueue | undefined;
  private stall: StallWatch | undefined;
  private ending: EndWatch | undefined;
  private room: { promise: Promise<void>; resolve: () => void } | undefined;

  constructor(
    private readonly host: OutletHost,
    private readonly options: OutletOptions,
    private readonly response: object,
    private readonly listener: OutletListener,
  ) {
    this.timers = host.timers;
    this.raw = rawResponse(response);
  }

  /** Begins to watch for the client's leaving. */
  watch(): void {
    watchResponse(this.raw, this);
  }

  /** Whether anything was sent, or is about to be. */
  get used(): boolean {
    return this.state !== 'waiting' || this.pending !== '';
  }
  /** Whether a write would only wait: also behind what was written some time ago, which is then watched. */
  get waiting(): boolean {
    if (this.blocked || this.state !== 'open') return true;
    // What a write looks at anyway: asked of each heartbeat, the response and what is behind it would be cold.
    if (this.free?.writableLength === 0) return false;
    if (this.timers.clock.now() - this.lastWriteAt < BEHIND_MS || !this.unsent()) return false;
    // A response that has to wait for another of its connection does not wait for its client.
    if (this.raw.socket && !this.stall?.watching) this.watchStall();
    return true;
  }
  /** Whether more is welcome. */
  get ready(): boolean {
    if (this.free) return true;
    return !this.blocked && this.state !== 'opening' && this.pending.length < JOIN_LENGTH;
  }
  get queuedBytes(): number {
    const waiting = this.state === 'ended' ? 0 : (this.queue?.bytes ?? 0);
    return waiting + (this.held?.byteLength ?? 0) + this.unsentText();
  }

  private unsentText(): number {
    return this.pending.length + (this.body?.held ?? 0) + (this.raw.writableLength || 0);
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
    if (this.held) this.joinHeld();
    this.pending += block;
    this.free = undefined;
    if (this.pending.length >= JOIN_LENGTH) this.flush();
    else if (!this.scheduled) this.schedule();
  }

  /** Sends what others send too, at once where nothing is before it. */
  batch(batch: SharedBatch): void {
    const { free } = this;
    if (free === undefined || !this.host.flushes.admits()) return this.batchInTurn(batch);
    const chunk = batch.derive(toChunk);
    this.events += batch.size;
    this.bytes += batch.byteLength;
    this.lastWriteAt = this.timers.clock.now();
    if (!takesMore(free.write(chunk))) this.block();
  }

  private batchInTurn(batch: SharedBatch): void {
    if (this.state === 'ended') return;
    this.events += batch.size;
    if (this.state !== 'open' || this.blocked) return this.push(batch.text);
    const first = this.pending === '' && !this.held;
    if (first && this.free === undefined && this.host.flushes.admits()) return this.writeShared(batch);
    this.free = undefined;
    if (first) this.held = batch;
    else {
      // However long it gets, it is not written now: for many connections, that would be too much for one turn.
      if (this.held) this.joinHeld();
      this.pending += batch.text;
    }
    if (!this.scheduled) this.schedule();
  }

  private joinHeld(): void {
    this.pending = (this.held?.text ?? '') + this.pending;
    this.held = undefined;
  }

  private schedule(): void {
    this.scheduled = true;
    // The head may run hooks of the application, which are to find the async context of their own request.
    if (this.state === 'waiting') process.nextTick(flushOutlet, this);
    else this.host.flushes.add(this);
  }

  /** @internal Writes what is pending. */
  flush(): void {
    this.scheduled = false;
    if (this.state === 'waiting') return this.sendHead();
    if (this.state !== 'open' || this.blocked) return;
    const { held, pending } = this;
    if (!held && pending === '') return;
    this.held = undefined;
    this.pending = '';
    this.free = this.direct;
    if (held) this.writeShared(held);
    else this.write(pending);
    if (this.room && !this.blocked) this.letIn();
  }

  /** Ends the response after what waits. */
  end(): void {
    if (this.state === 'ended') return;
    if (this.state === 'waiting') this.open();
    // What was dropped is told before the last words, after which nobody may listen.
    const { queue } = this;
    if (this.held) this.joinHeld();
    if (queue) this.pending += queue.report() + queue.takeLast(() => this.unsentText());
    this.halt();
    if (this.body) this.writeEnd(this.body);
  }

  /** Cuts the response off, without an end that a client could take for the stream's own. */
  cut(): void {
    this.pending = '';
    this.stop();
    cutResponse(this.raw);
    this.ending = new EndWatch(this.raw, this, this.timers);
  }

  /** Takes nothing more; what was pending is forgotten unless `end()` sends it. */
  stop(): void {
    this.halt();
    this.held = undefined;
    this.queue?.release();
    this.queue = undefined;
  }

  private halt(): void {
    this.state = 'ended';
    this.free = undefined;
    this.stall?.stop();
    this.body?.stop?.();
    this.letIn();
  }

  private sendHead(): void {
    this.state = 'opening';
    this.started = true;
    // First bytes at once: some browsers fire `open` only then.
    const first = COMMENT + this.pending;
    this.pending = '';
    const { heartbeat } = this.options;
    keepOpen(this.raw, heartbeat ? heartbeat.intervalMs : Infinity);
    try {
      this.listener.beforeHead();
      openResponse(this.response, (stream) => this.sendFirst(stream, first));
    } catch (error) {
      if (this.stream) throw error;
      this.started = false;
      this.stop();
      return this.listener.refused(error);
    }
    this.listener.opened();
  }

  private sendFirst(stream: Writable, first: string): void {
    const direct = directSocket(this.raw, stream);
    this.stream = stream;
    this.direct = direct;
    this.body = direct ? new SocketBody(direct, stream) : bodyOf(this.raw, stream, this.timers);
    this.pending = first + this.pending;
    if (this.state === 'ended') this.writeEnd(this.body);
    else {
      this.state = 'open';
      this.flush();
    }
    if (direct) {
      direct.uncork();
      watchEnd(this.raw, this);
    }
    if (!this.blocked) this.drained();
  }

  private write(text: string): void {
    const byteLength = Buffer.byteLength(text);
    if (!this.canWrite(byteLength)) return;
    if (!writeText(this.body as Body, text, byteLength, this.listener)) this.block();
  }

  private writeShared(shared: SharedBytes): void {
    if (!this.canWrite(shared.byteLength)) return;
    if (!writeBytes(this.body as Body, shared, this.listener)) this.block();
  }

  private canWrite(byteLength: number): boolean {
    const stream = this.stream as Writable;
    // Of a response whose socket is written to, `prefinish` and `close` tell in time.
    if (!this.direct && (stream.destroyed || stream.writableEnded || isReset(this.raw))) {
      this.listener.gone();
      return false;
    }
    this.lastWriteAt = this.timers.clock.now();
    this.bytes += byteLength;
    return true;
  }

  private block(): void {
    this.blocked = true;
    this.free = undefined;
    (this.body as Body).onceDrained(() => this.drained());
    this.watchStall();
  }

  private drained(): void {
    if (this.state === 'ended') return;
    this.blocked = false;
    this.stall?.stop();
    if (this.queue) this.sendQueued(this.queue);
    if (this.blocked) return;
    if (this.pending === '' && !this.held) this.free = this.direct;
    this.letIn();
  }

  private sendQueued(queue: OverflowQueue): void {
    while (!queue.empty && !this.blocked) {
      this.pending += queue.take(JOIN_LENGTH);
      this.flush();
    }
    if (this.blocked) return;
    this.pending += queue.report();
    this.flush();
  }

  private enqueue(block: string, event: SseEvent | undefined, anyway: boolean): void {
    const queue = (this.queue ??= this.makeQueue());
    if (anyway) return queue.addAnyway(block);
    let broken: OverflowLimit | undefined;
    try {
      broken = queue.add(block, event);
    } catch (error) {
      this.listener.failed(error);
      return;
    }
    this.dropped = queue.dropped;
    if (broken) this.listener.overflowed(broken);
  }

  private makeQueue(): OverflowQueue {
    const { options, host, listener } = this;
    return new OverflowQueue(options.overflow, host.budget, () => listener.overflowed('maxQueuedBytes'));
  }

  private writeEnd(body: Body): void {
    const rest = this.pending;
    this.pending = '';
    this.bytes += Buffer.byteLength(rest);
    endBody(body, rest, this.listener);
    this.ending = new EndWatch(this.raw, this, this.timers);
    // A client that never reads the rest would hold the response for good.
    if (!this.raw.writableFinished) this.watchStall();
  }

  private watchStall(): void {
    const { stallMs } = this.options;
    if (stallMs === false) return;
    this.stall ??= new StallWatch(this, this.timers, stallMs);
    this.stall.start();
  }

  get awaited(): boolean {
    return this.blocked || this.state === 'ended';
  }
  unsent(): number | undefined {
    return isReset(this.raw) ? undefined : unsentBytes(this.raw) + (this.body?.held ?? 0);
  }
  carried(): number | undefined {
    return carriedBytes(this.raw);
  }
  stalled(carrierToo: boolean): void {
    // Of a session that takes nothing not even the end of one stream could be told.
    const session = carrierToo ? sessionOf(this.raw) : undefined;
    this.listener.stalled();
    if (session) cutSession(session);
  }

  private letIn(): void {
    const { room } = this;
    this.room = undefined;
    room?.resolve();
  }

  /** Whether nothing more is taken. */
  get over(): boolean {
    return this.state === 'ended';
  }

  /** The response is over. */
  closed(): void {
    this.pending = '';
    this.stop();
    this.ending?.stop();
    leaveCarrier(this.raw);
  }

  /** The response takes no more: the client has left, or somebody else has ended it. */
  gone(): void {
    this.listener.gone();
  }
}

function flushOutlet(outlet: Outlet): void {
  outlet.flush();
}
