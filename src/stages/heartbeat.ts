import { AsyncResource } from 'node:async_hooks';
import type { SharedTimers, Timed } from '../time/shared-timers.js';
import { event, type SseEvent } from '../events/sse-event.js';
import { EMPTY_COMMENT } from '../wire/encode-event.js';
import { toText } from '../events/to-event.js';
import { immediate } from '../errors/guard.js';
import type { ExecutionContext } from '@nestjs/common';
import type { ResolvedHeartbeat } from './heartbeat.options.js';
import { valueFor } from './payload.js';

/** What a heartbeat keeps alive. */
export interface Beating {
  /** When something was last sent, on the clock of the timers. */
  readonly lastWriteAt: number;
  /** True while a write would only wait behind others. */
  readonly waiting: boolean;
  next(event: SseEvent): void;
}

/** Whose heartbeat it is. */
export interface HeartbeatOwner {
  readonly context: ExecutionContext;
  /** Something of the application's that was asked for the heartbeat has thrown. */
  failed(error: unknown): void;
}

/** A heartbeat may be late by this share of its interval: those that share a wake-up cost half of what single ones do. */
const LATE_SHARE = 1 / 32;

/** Sends one heartbeat after each silence; all heartbeats of an application share their timers. */
export class Heartbeat implements Timed {
  slot: Set<Timed> | undefined;
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
    // Behind a client that does not read it would only be one more thing that waits.
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

/** Whether functions of the application make the heartbeats, which are to find the async context of their request. */
export function asksApplication({ data, id }: ResolvedHeartbeat): boolean {
  return typeof data === 'function' || typeof id === 'function';
}
