import type { SharedTimers, Timed } from '../connection/shared-timers.js';
import { SseEvent, event } from '../events/sse-event.js';
import { toText } from '../events/to-event.js';
import type { ExecutionContext } from '@nestjs/common';
import { valueFor, type ResolvedHeartbeat } from '../options/sse.options.js';

/** What a heartbeat keeps alive. */
export interface Beating {
  /** When something was last sent, on the clock of the timers. */
  readonly lastWriteAt: number;
  /** True while a write would only wait behind others. */
  readonly waiting: boolean;
  next(event: SseEvent): void;
}

/** The comment that a heartbeat is where nothing else is asked for. */
const SILENT = new SseEvent(undefined, undefined, undefined, '', undefined);

/** Sends one heartbeat after each silence; all heartbeats of an application share their timers. */
export class Heartbeat implements Timed {
  slot: Set<Timed> | undefined;

  constructor(
    private readonly options: ResolvedHeartbeat,
    private readonly context: ExecutionContext,
    private readonly timers: SharedTimers,
    private readonly stream: Beating,
    private readonly failed: (error: unknown) => void,
  ) {}

  start(): void {
    this.timers.schedule(this, this.options.intervalMs);
  }

  stop(): void {
    this.timers.cancel(this);
  }

  due(): void {
    const { intervalMs, always = false } = this.options;
    const silentMs = this.timers.clock.now() - this.stream.lastWriteAt;
    if (!always && silentMs < intervalMs) {
      this.timers.schedule(this, intervalMs - silentMs);
      return;
    }
    this.timers.schedule(this, intervalMs);
    // Behind a client that does not read it would only be one more thing that waits.
    if (this.stream.waiting) return;
    try {
      this.stream.next(this.beat());
    } catch (error) {
      this.stop();
      this.failed(error);
    }
  }

  private beat(): SseEvent {
    const { event: type, data, id, serialize } = this.options;
    if (type === undefined && data === undefined && id === undefined) return SILENT;
    const own = valueFor(id, this.context);
    const payload = valueFor<unknown>(data, this.context) ?? '';
    return event({ type, id: own, data: toText(payload, serialize) });
  }
}
