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
    /** `undefined` where nobody is there any more to take it. */
    private readonly unsentNow: () => number | undefined,
    private readonly timers: SharedTimers,
    private readonly stallMs: number,
    private readonly owner: { stalled(): void; gone(): void },
  ) {}

  start(): void {
    this.unsent = this.unsentNow() ?? 0;
    this.movedAt = this.timers.clock.now();
    this.timers.schedule(this, this.stallMs / CHECKS);
  }

  stop(): void {
    this.timers.cancel(this);
  }

  due(): void {
    const unsent = this.unsentNow();
    if (unsent === undefined) return this.owner.gone();
    const now = this.timers.clock.now();
    if (unsent !== this.unsent) {
      this.unsent = unsent;
      this.movedAt = now;
    }
    if (now - this.movedAt >= this.stallMs) this.owner.stalled();
    else this.timers.schedule(this, this.stallMs / CHECKS);
  }
}

/**
 * Bytes of a response that its client has not taken. What a stream holds changes only when a whole chunk is gone; what
 * libuv still holds of that chunk shows each byte that the kernel took (Node's own socket time-out looks there, too).
 * Over HTTP/2 the socket is that of all streams, of which the others may move: there a response's own stream is asked.
 */
export function unsentBytes(response: RawResponse): number {
  if (response.req.httpVersionMajor > 1) {
    return (response as unknown as { stream?: { bufferSize?: number } }).stream?.bufferSize ?? 0;
  }
  const handle = (response.socket as unknown as { _handle?: Handle } | null)?._handle;
  // Under TLS the socket proper is behind the one that encrypts.
  return response.writableLength + (handle?.writeQueueSize ?? 0) + (handle?._parent?.writeQueueSize ?? 0);
}

interface Handle {
  writeQueueSize?: number;
  _parent?: Handle;
}
