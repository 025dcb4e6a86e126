import {
  Injectable,
  Optional,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import type { Observable } from 'rxjs';
import { systemClock } from '../time/clock.js';
import { SharedTimers } from '../time/shared-timers.js';
import type { SseEvent } from '../events/sse-event.js';
import type { Sink } from '../events/sink.js';
import { checkOptions } from '../checking/option-check.js';
import { FORMAT_DEFAULTS } from '../stages/format.options.js';
import { Heartbeat, type Beating } from '../stages/heartbeat.js';
import {
  HEARTBEAT_TABLE,
  resolveHeartbeat,
  type HeartbeatOptions,
  type ResolvedHeartbeat,
} from '../stages/heartbeat.options.js';
import { through, type Stage } from './through.js';

/**
 * Emits a heartbeat whenever a stream has been idle for `intervalMs`. Routes of this library's `@Sse()` have it built in, and
 * skip heartbeats for clients that do not read. Use it on routes of Nest's own `@Sse()`.
 *
 * @example
 * @UseInterceptors(new HeartbeatInterceptor({ intervalMs: 10_000, event: 'ping' }))
 */
@Injectable()
export class HeartbeatInterceptor implements NestInterceptor<SseEvent, SseEvent> {
  private readonly options: ResolvedHeartbeat;

  /** @throws {SseError} `SSE_INVALID_OPTIONS` */
  constructor(
    @Optional() options: HeartbeatOptions = {},
    @Optional() private readonly timers: SharedTimers = new SharedTimers(systemClock),
  ) {
    checkOptions('HeartbeatInterceptor', options, HEARTBEAT_TABLE);
    this.options = resolveHeartbeat(options, FORMAT_DEFAULTS.serialize);
  }

  intercept(context: ExecutionContext, next: CallHandler<SseEvent>): Observable<SseEvent> {
    return next.handle().pipe(through((out) => new HeartbeatStage(this.options, context, this.timers, out)));
  }
}

class HeartbeatStage implements Stage<SseEvent>, Beating {
  readonly waiting = false;
  lastWriteAt: number;
  private readonly heartbeat: Heartbeat;

  constructor(
    options: ResolvedHeartbeat,
    context: ExecutionContext,
    private readonly timers: SharedTimers,
    private readonly out: Sink<SseEvent>,
  ) {
    this.lastWriteAt = timers.clock.now();
    this.heartbeat = new Heartbeat(options, { context, failed: (error) => out.error(error) }, timers, this);
    this.heartbeat.start();
  }

  next(event: SseEvent): void {
    this.lastWriteAt = this.timers.clock.now();
    this.out.next(event);
  }

  error(error: unknown): void {
    this.stop();
    this.out.error(error);
  }

  complete(): void {
    this.stop();
    this.out.complete();
  }

  stop(): void {
    this.heartbeat.stop();
  }
}
