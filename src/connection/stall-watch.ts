import type { RawResponse } from './response.js';
import type { SharedTimers, Timed } from './shared-timers.js';

/** A stall is looked for so many times within the time it takes to be one. */
const CHECKS = 4;

/**
 * Watches a response that has more to send than its client takes. A client that reads, however slowly, makes the
 * unsent bytes fewer; one for which nothing moves over `stallMs` is reported as stalled.
 */
export class StallWatch implements Timed {
  slot: Set<Timed> | undefined;
  private unsent = 0;
  private movedAt = 0;

  constructor(
    private readonly response: RawResponse,
    private readonly timers: SharedTimers,
    private readonly stallMs: number,
    private readonly stalled: () => void,
  ) {}

  start(): void {
    this.unsent = unsentBytes(this.response);
    this.movedAt = this.timers.clock.now();
    this.timers.schedule(this, this.stallMs / CHECKS);
  }

  stop(): void {
    this.timers.cancel(this);
  }

  due(): void {
    const unsent = unsentBytes(this.response);
    const now = this.timers.clock.now();
    if (unsent !== this.unsent) {
      this.unsent = unsent;
      this.movedAt = now;
    }
    if (now - this.movedAt >= this.stallMs) this.stalled();
    else this.timers.schedule(this, this.stallMs / CHECKS);
  }
}

// What the stream still holds changes only when a whole chunk is written; what libuv still holds of that chunk shows
// each byte that the kernel took. Node's own socket time-out looks at the same figure.
function unsentBytes(response: RawResponse): number {
  const handle = (response.socket as unknown as { _handle?: { writeQueueSize?: number } } | null)?._handle;
  return response.writableLength + (handle?.writeQueueSize ?? 0);
}
