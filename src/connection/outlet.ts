/* eslint-disable max-lines -- the whole path of an event to its response, which is hot, stays in one class */
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import type { SseEvent } from '../events/sse-event.js';
import { COMMENT } from '../wire/encode-event.js';
import { SocketBody, bodyOf, directSocket, takesMore, toChunk } from './body.js';
import type { Body, SharedBatch, SharedBytes } from './body.js';
import { endBody, writeBytes, writeText } from './guarded-write.js';
import { OverflowQueue, type OverflowLimit } from './overflow.js';
import { cutSession, sessionOf, takenBySession } from './http2-session.js';
import type { OutletHost, OutletListener, OutletOptions } from './outlet-host.js';
import { keepOpen, openResponse, rawResponse, type RawResponse } from './response.js';
import {
  EndWatch,
  cutResponse,
  isReset,
  releaseConnection,
  watchForeignEnd,
  watchResponse,
  type ResponseOwner,
} from './response-life.js';
import type { SharedTimers } from '../time/shared-timers.js';
import { StallWatch, unsentBytes, type Backlog } from './stall-watch.js';

/** Unsent bytes this long after the last write mean that the client is behind, however few they are. */
const BEHIND_MS = 1000;

/** Blocks of one turn are written together. They are written immediately once they reach this length. */
const JOIN_LENGTH = 16_384;

/** `opening`: Fastify's `onSend` hooks run before the body can be written. */
type State = 'new' | 'opening' | 'open' | 'ended';

/**
 * Writes blocks to a response. It sends the head with the first block, joins the blocks of one turn into one write, and
 * queues blocks while the response is blocked by backpressure.
 */
export class Outlet implements ResponseOwner, Backlog {
  // The fields that each delivery uses come first. With many connections, cache misses dominate the cost of a delivery.
  /**
   * The socket, while a chunk may be written to it immediately. Invariant, asserted in `outlet.spec.ts`: `free` is set only
   * if `free === direct`, the state is `open`, the outlet is not `blocked`, and `pending` and `pendingBatch` are empty.
   * Code that breaks one of these conditions must clear `free`. Code that makes the last of them true sets it again. If
   * `free` is unset although all of them are true, the write is only slower.
   */
  private free: Socket | undefined;
  /** Bytes of the body that were written to the response. */
  bytes = 0;
  /** Events that were written to the response, queued or dropped. */
  events = 0;
  /** The time of the last write, by the clock of the timers. */
  lastWriteAt = 0;
  private readonly timers: SharedTimers;
  private state: State = 'new';
  /** True from backpressure until the response drains. */
  private blocked = false;
  private scheduled = false;
  /** Text for the next flush. */
  private pending = '';
  /** A batch for the next flush, because this turn had no room for it. Set only while `pending` is empty. */
  private pendingBatch: SharedBatch | undefined;
  private body: Body | undefined;
  private stream: Writable | undefined;
  private direct: Socket | undefined;
  /** True once the head was sent, or while the framework is sending it. */
  started = false;
  /** The number of dropped events. */
  dropped = 0;
  readonly raw: RawResponse;
  private queue: OverflowQueue | undefined;
  private stall: StallWatch | undefined;
  private ending: EndWatch | undefined;
  /** Made when `whenReady()` has to wait. */
  private readiness: { promise: Promise<void>; resolve: () => void } | undefined;

  constructor(
    private readonly host: OutletHost,
    private readonly options: OutletOptions,
    private readonly response: object,
    private readonly listener: OutletListener,
  ) {
    this.timers = host.timers;
    this.raw = rawResponse(response);
  }

  /** Starts to watch for a client that leaves. */
  watch(): void {
    watchResponse(this.raw, this);
  }

  /** True if something was sent, or is about to be sent. */
  get used(): boolean {
    return this.state !== 'new' || this.pending !== '';
  }
  /** True if a write would only be queued, or if earlier bytes are still unsent. The latter starts the stall watch. */
  get waiting(): boolean {
    if (this.blocked || this.state !== 'open') return true;
    // The fast path reads only what the write itself reads. Each heartbeat gets here, and the response is not in the cache.
    if (this.free?.writableLength === 0) return false;
    if (this.timers.clock.now() - this.lastWriteAt < BEHIND_MS || !this.unsent()) return false;
    // Without a socket the response waits for an earlier one on the same connection (pipelining), and not for its client.
    if (this.raw.socket && !this.stall?.watching) this.watchStall();
    return true;
  }
  /** True if a source may emit more. */
  get ready(): boolean {
    if (this.free) return true;
    return !this.blocked && this.state !== 'opening' && this.pending.length < JOIN_LENGTH;
  }
  get queuedBytes(): number {
    const waiting = this.state === 'ended' ? 0 : (this.queue?.bytes ?? 0);
    return waiting + (this.pendingBatch?.byteLength ?? 0) + this.unsentText();
  }

  private unsentText(): number {
    return this.pending.length + (this.body?.heldBytes ?? 0) + (this.raw.writableLength || 0);
  }

  /** Resolves when `ready` may be true again, or the outlet has ended. */
  whenReady(): Promise<void> {
    if (this.ready || this.state === 'ended') return Promise.resolve();
    if (!this.readiness) {
      let resolve!: () => void;
      const promise = new Promise<void>((done) => (resolve = done));
      this.readiness = { promise, resolve };
    }
    return this.readiness.promise;
  }

  /** Sends the head now, without waiting for a block. */
  open(): void {
    if (this.state === 'new') this.flush();
  }

  /** Sends a block together with the others of this turn. An `unlimited` block is exempt from the overflow limits. */
  push(block: string, event?: SseEvent, unlimited = false): void {
    if (this.blocked || this.state === 'opening') return this.enqueue(block, event, unlimited);
    if (this.pendingBatch) this.joinPendingBatch();
    this.pending += block;
    this.free = undefined;
    if (this.pending.length >= JOIN_LENGTH) this.flush();
    else if (!this.scheduled) this.schedule();
  }

  /** Sends a batch that is the same for many connections. It is written immediately if nothing waits before it. */
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
    const isFirst = this.pending === '' && !this.pendingBatch;
    const isWritable = this.free === undefined && this.state === 'open' && !this.blocked && isFirst;
    if (!isWritable || !this.host.flushes.admits()) return this.join(batch);
    this.events += batch.size;
    this.writeShared(batch);
  }

  /** Sends a batch as {@link batch} does, but writes it at the end of this turn. */
  join(batch: SharedBatch): void {
    if (this.state === 'ended') return;
    this.events += batch.size;
    if (this.state !== 'open' || this.blocked) return this.push(batch.text);
    this.free = undefined;
    if (this.pending === '' && !this.pendingBatch) this.pendingBatch = batch;
    else {
      // Not written now, even beyond JOIN_LENGTH: with many connections that would be too much work for one turn.
      if (this.pendingBatch) this.joinPendingBatch();
      this.pending += batch.text;
    }
    if (!this.scheduled) this.schedule();
  }

  private joinPendingBatch(): void {
    this.pending = (this.pendingBatch?.text ?? '') + this.pending;
    this.pendingBatch = undefined;
  }

  private schedule(): void {
    this.scheduled = true;
    // Sending the head can run hooks of the application. Its own tick keeps the async context of this request for them.
    if (this.state === 'new') process.nextTick(flushOutlet, this);
    else this.host.flushes.add(this);
  }

  /** @internal Writes all pending text. */
  flush(): void {
    this.scheduled = false;
    if (this.state === 'new') return this.sendHead();
    if (this.state !== 'open' || this.blocked) return;
    const { pendingBatch, pending } = this;
    if (!pendingBatch && pending === '') return;
    this.pendingBatch = undefined;
    this.pending = '';
    this.free = this.direct;
    if (pendingBatch) this.writeShared(pendingBatch);
    else this.write(pending);
    if (this.readiness && !this.blocked) this.resolveReady();
  }

  /** Ends the response after all queued blocks. */
  end(): void {
    if (this.state === 'ended') return;
    if (this.state === 'new') this.open();
    // The overflow report comes before the queue, because a client may close as soon as it receives the final event.
    const { queue } = this;
    if (this.pendingBatch) this.joinPendingBatch();
    if (queue) this.pending += queue.report() + queue.takeLast(() => this.unsentText());
    this.halt();
    if (this.body) this.writeEnd(this.body);
  }

  /** Breaks the connection, so that the client cannot mistake this for the end of the stream. */
  cut(): void {
    this.pending = '';
    this.stop();
    cutResponse(this.raw);
    this.ending = new EndWatch(this.raw, this, this.timers);
  }

  /** Ends the outlet, but not the response. Drops all queued blocks. */
  stop(): void {
    this.halt();
    this.pendingBatch = undefined;
    this.queue?.release();
    this.queue = undefined;
  }

  private halt(): void {
    this.state = 'ended';
    this.free = undefined;
    this.stall?.stop();
    this.body?.stop?.();
    this.resolveReady();
  }

  private sendHead(): void {
    this.state = 'opening';
    this.started = true;
    // Some browsers fire `open` only once they receive the first bytes of the body.
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
      watchForeignEnd(this.raw, this);
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
    // If the outlet writes to the socket itself, `prefinish` and `close` report an end in time.
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
    if (this.pending === '' && !this.pendingBatch) this.free = this.direct;
    this.resolveReady();
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

  private enqueue(block: string, event: SseEvent | undefined, unlimited: boolean): void {
    const queue = (this.queue ??= this.makeQueue());
    if (unlimited) return queue.addUnlimited(block);
    let exceeded: OverflowLimit | undefined;
    try {
      exceeded = queue.add(block, event);
    } catch (error) {
      this.listener.failed(error);
      return;
    }
    this.dropped = queue.dropped;
    if (exceeded) this.listener.overflowed(exceeded);
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
    // A client that never reads the rest would keep the response open forever.
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
    return isReset(this.raw) ? undefined : unsentBytes(this.raw) + (this.body?.heldBytes ?? 0);
  }
  sessionBytes(): number | undefined {
    return takenBySession(this.raw);
  }
  stalled(sessionToo: boolean): void {
    // A session that takes no bytes cannot even send the end of one stream, so the whole session is cut.
    const session = sessionToo ? sessionOf(this.raw) : undefined;
    this.listener.stalled();
    if (session) cutSession(session);
  }

  private resolveReady(): void {
    const { readiness } = this;
    this.readiness = undefined;
    readiness?.resolve();
  }

  get ended(): boolean {
    return this.state === 'ended';
  }

  /** The response has closed. */
  closed(): void {
    this.pending = '';
    this.stop();
    this.ending?.stop();
    releaseConnection(this.raw);
  }

  /** The response accepts no more bytes: the client has left, or other code has ended it. */
  gone(): void {
    this.listener.gone();
  }
}

function flushOutlet(outlet: Outlet): void {
  outlet.flush();
}
