import { isHttp2, type RawResponse } from './response.js';
import type { SharedTimers, Timed } from '../time/shared-timers.js';

/** A stall is looked for so many times within the time it takes to be one. */
const CHECKS = 4;

/** What was given to a client, how much of it has not been taken, and who is told what that comes to. */
export interface Backlog {
  /** All bytes that were ever given. */
  readonly bytes: number;
  /** Whether more is held back until these are taken, however few they are. */
  readonly awaited: boolean;
  /** Bytes that have not been taken; `undefined` where nobody is there any more to take them. */
  unsent(): number | undefined;
  /** Bytes that went over a connection that is shared with others, if more waits for it. */
  carried(): number | undefined;
  /** Nothing moves, and with `carrierToo` for nobody else on the same connection either. */
  stalled(carrierToo: boolean): void;
  gone(): void;
}

/**
 * Watches a response that has more to send than its client takes. A client that reads, however slowly, has taken more
 * each time; one for which nothing moves over `stallMs` is reported as stalled.
 */
export class StallWatch implements Timed {
  slot: Set<Timed> | undefined;
  private taken = 0;
  private movedAt = 0;
  private carried: number | undefined;
  private carriedAt = 0;

  constructor(
    private readonly backlog: Backlog,
    private readonly timers: SharedTimers,
    private readonly stallMs: number,
  ) {}

  /** Whether it is looked at already. */
  get watching(): boolean {
    return this.slot !== undefined;
  }

  start(): void {
    this.taken = this.backlog.bytes - (this.backlog.unsent() ?? 0);
    this.carried = this.backlog.carried();
    this.movedAt = this.carriedAt = this.timers.clock.now();
    this.timers.schedule(this, this.stallMs / CHECKS);
  }

  stop(): void {
    this.timers.cancel(this);
  }

  due(): void {
    const { backlog } = this;
    const unsent = backlog.unsent();
    if (unsent === undefined) return backlog.gone();
    if (unsent === 0 && !backlog.awaited) return;
    const now = this.timers.clock.now();
    const taken = backlog.bytes - unsent;
    if (taken !== this.taken) [this.taken, this.movedAt] = [taken, now];
    const carried = backlog.carried();
    if (carried !== this.carried) [this.carried, this.carriedAt] = [carried, now];
    if (now - this.movedAt < this.stallMs) {
      this.timers.schedule(this, this.stallMs / CHECKS);
      return;
    }
    // That something waits for the connection shows at the first of the checks.
    const carrierMs = (this.stallMs * (CHECKS - 1)) / CHECKS;
    backlog.stalled(carried !== undefined && now - this.carriedAt >= carrierMs);
  }
}

/**
 * Bytes of a response that its client has not taken. What a stream holds changes only when a whole chunk is gone; what
 * libuv still holds of that chunk shows each byte that the kernel took (Node's own socket time-out looks there, too).
 * Over HTTP/2 the socket is that of all streams, of which the others may move: there a response's own stream is asked.
 */
export function unsentBytes(response: RawResponse): number {
  if (isHttp2(response)) {
    return (response as unknown as { stream?: { bufferSize?: number } }).stream?.bufferSize ?? 0;
  }
  const handle = (response.socket as unknown as { _handle?: Handle } | null)?._handle;
  // Under TLS the socket proper is behind the one that encrypts.
  return (
    (response.writableLength || 0) + (handle?.writeQueueSize ?? 0) + (handle?._parent?.writeQueueSize ?? 0)
  );
}

interface Handle {
  writeQueueSize?: number;
  _parent?: Handle;
}
