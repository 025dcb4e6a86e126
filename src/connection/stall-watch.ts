import { isLate } from '../time/answer-timer.js';
import { usualLateMs, type SharedTimers, type Timed } from '../time/shared-timers.js';
import { isHttp2, type RawResponse } from './response.js';

/** The number of checks within `stallMs`. */
const CHECKS = 4;

/** The unread bytes of a response, and the reaction to a stall. */
export interface Backlog {
  /** All bytes that were ever written. */
  readonly bytes: number;
  /** True if more text waits for these bytes to be read, or the response has ended. */
  readonly awaited: boolean;
  /** Bytes that the client has not read; `undefined` if it has reset the stream. */
  unsent(): number | undefined;
  /** The bytes that the kernel has taken from the HTTP/2 session; `undefined` if no bytes of the session wait. */
  sessionBytes(): number | undefined;
  /** The client has read nothing for `stallMs`. With `sessionToo`, no other stream of its session has moved either. */
  stalled(sessionToo: boolean): void;
  gone(): void;
}

/**
 * Watches a response with unread bytes. A slow client has read some more at each check. A client that reads nothing for
 * `stallMs` is reported as stalled, after a last look. After this process was suspended, the client gets one more interval until
 * then: it may have read everything meanwhile, and nothing more was sent.
 */
export class StallWatch implements Timed {
  bucket: Set<Timed> | undefined;
  private read = 0;
  private readAt = 0;
  private sessionBytes: number | undefined;
  private sessionMovedAt = 0;
  /** When the next check is due, at the latest. */
  private dueAt = 0;
  /** True if a check since the client has read was late. */
  private wasSuspended = false;
  /** True if the next look is the last one. */
  private isLast = false;

  constructor(
    private readonly backlog: Backlog,
    private readonly timers: SharedTimers,
    private readonly stallMs: number,
  ) {}

  get watching(): boolean {
    return this.bucket !== undefined;
  }

  start(): void {
    this.read = this.backlog.bytes - (this.backlog.unsent() ?? 0);
    this.sessionBytes = this.backlog.sessionBytes();
    this.sessionMovedAt = this.timers.clock.now();
    this.hasRead(this.sessionMovedAt);
    this.checkAfter(this.stallMs / CHECKS);
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
    this.wasSuspended ||= isLate(this.timers.clock, this.dueAt);
    const read = backlog.bytes - unsent;
    if (read !== this.read) {
      this.read = read;
      this.hasRead(now);
    }
    const sessionBytes = backlog.sessionBytes();
    if (sessionBytes !== this.sessionBytes) [this.sessionBytes, this.sessionMovedAt] = [sessionBytes, now];
    const intervalMs = this.stallMs / CHECKS;
    if (now - this.readAt < this.stallMs) return this.checkAfter(intervalMs);
    if (!this.isLast) {
      this.isLast = true;
      return this.checkAfter(this.wasSuspended ? intervalMs : 1);
    }
    // One interval less than `stallMs`, because only the first check shows that bytes of the session wait.
    const sessionStallMs = (this.stallMs * (CHECKS - 1)) / CHECKS;
    backlog.stalled(sessionBytes !== undefined && now - this.sessionMovedAt >= sessionStallMs);
  }

  private hasRead(now: number): void {
    this.readAt = now;
    this.wasSuspended = this.isLast = false;
  }

  private checkAfter(ms: number): void {
    const lateMs = usualLateMs(ms);
    this.dueAt = Math.ceil(this.timers.clock.now() + ms + lateMs);
    this.timers.schedule(this, ms, lateMs);
  }
}

/**
 * Bytes of a response that its client has not read. `writableLength` changes only when a whole chunk is gone. The write queue
 * of libuv shows each byte that the kernel takes; the socket timeout of Node reads it as well. Over HTTP/2 the socket belongs
 * to all streams of the session, so the buffer of the response's own stream is read.
 */
export function unsentBytes(response: RawResponse): number {
  if (isHttp2(response)) {
    return (response as unknown as { stream?: { bufferSize?: number } }).stream?.bufferSize ?? 0;
  }
  const handle = (response.socket as unknown as { _handle?: Handle } | null)?._handle;
  // With TLS, the handle of the TCP socket is the parent of the TLS handle.
  return (
    (response.writableLength || 0) + (handle?.writeQueueSize ?? 0) + (handle?._parent?.writeQueueSize ?? 0)
  );
}

interface Handle {
  writeQueueSize?: number;
  _parent?: Handle;
}
