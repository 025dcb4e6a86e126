import { AsyncResource } from 'node:async_hooks';
import type { SharedTimers, Timed } from '../time/shared-timers.js';
import { event, type SseEvent } from '../events/sse-event.js';
import { EMPTY_COMMENT } from '../wire/encode-event.js';
import { toText } from '../events/to-event.js';
import { immediate } from '../errors/guard.js';
import type { ExecutionContext } from '@nestjs/common';
import type { ResolvedHeartbeat } from './heartbeat.options.js';
import { valueFor } from './payload.js';

/** The stream that a heartbeat keeps alive. */
export interface Beating {
  /** The time of the last write, on the clock of the timers. */
  readonly lastWriteAt: number;
  /** True while a write would only wait in a queue. */
  readonly waiting: boolean;
  next(event: SseEvent): void;
}

/** The request that a heartbeat belongs to. */
export interface HeartbeatOwner {
  readonly context: ExecutionContext;
  /** A function of the application that makes the heartbeat has thrown. */
  failed(error: unknown): void;
}

/** A heartbeat may be late by this share of its interval. Heartbeats that share a wake-up cost half as much (measured). */
const LATE_SHARE = 1 / 32;

/** Sends a heartbeat whenever the stream has been idle for the interval. All heartbeats of an application share timers. */
export class Heartbeat implements Timed {
  bucket: Set<Timed> | undefined;
  private readonly scope: AsyncResource | undefined;

  constructor(
    private readonly options: ResolvedHeartbeat,
    private readonly owner: HeartbeatOwner,
    private readonly timers: SharedTimers,
    private readonly stream: Beating,
  ) {
    if (asksApplication(options)) this.scope = new AsyncResource('EventStreamHeartbeat');
  }

  start(): void {
    this.schedule(this.options.intervalMs);
  }

  stop(): void {
    this.timers.cancel(this);
  }

  due(): void {
    const { intervalMs, always = false } = this.options;
    const silentMs = this.timers.clock.now() - this.stream.lastWriteAt;
    if (!always && silentMs < intervalMs) {
      this.schedule(intervalMs - silentMs);
      return;
    }
    this.schedule(intervalMs);
    // A heartbeat for a client that does not read would only wait in the queue.
    if (this.stream.waiting) return;
    try {
      this.stream.next(this.scope ? this.scope.runInAsyncScope(() => this.beat()) : this.beat());
    } catch (error) {
      this.stop();
      this.owner.failed(error);
    }
  }

  private schedule(delayMs: number): void {
    this.timers.schedule(this, delayMs, this.options.intervalMs * LATE_SHARE);
  }

  private beat(): SseEvent {
    const { event: type, data, id, serialize } = this.options;
    if (type === undefined && data === undefined && id === undefined) return EMPTY_COMMENT;
    const { context } = this.owner;
    const own = immediate(valueFor(id, context), 'heartbeat.id');
    const payload = valueFor<unknown>(data, context) ?? '';
    return event({ type, id: own, data: toText(payload, serialize) });
  }
}

/** True if functions of the application make the heartbeats. They run in the async context of their request. */
export function asksApplication({ data, id }: ResolvedHeartbeat): boolean {
  return typeof data === 'function' || typeof id === 'function';
}
