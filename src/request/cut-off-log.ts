import type { ErrorReports } from '../errors/error-reports.js';
import type { CutOffLimit } from '../connection/connection.js';
import type { SseConnection } from '../connection/sse-connection.js';
import type { ResolvedSlowClient } from '../connection/slow-client.options.js';
import type { SharedTimers, Timed } from '../time/shared-timers.js';

/** The number of connections that get their own line within the window. The others are counted. */
const LINES = 50;
const WINDOW_MS = 10_000;

/** The reason why a connection was cut off: the limit that its client exceeded, by name and value. */
export interface CutOff {
  limit: CutOffLimit;
  value: number;
}

/** Returns the limit of a route, or of the process, with its value. */
export function cutOff(
  limit: CutOffLimit,
  { overflow, stallMs }: ResolvedSlowClient,
  maxQueuedBytes: number,
): CutOff {
  const values = { 'overflow.maxBytes': overflow.maxBytes, maxQueuedBytes, stallMs: Number(stallMs) };
  return { limit, value: values[limit] };
}

/**
 * Logs clients that were too slow, in one line each, so that every lost stream can be explained. A slow network often affects
 * many clients at once. Beyond {@link LINES} lines within the window, they are counted and logged in one line.
 */
export class CutOffLog implements Timed {
  bucket: Set<Timed> | undefined;
  private startedAt = -Infinity;
  private lines = 0;
  private readonly unnamed = new Map<CutOff['limit'], number>();

  constructor(
    private readonly logger: Pick<ErrorReports, 'warn'>,
    private readonly timers: SharedTimers,
  ) {}

  /** Logs a connection that is about to be cut off, while its queue can still be measured. */
  add({ route, id, queuedBytes }: SseConnection, { limit, value }: CutOff): void {
    const now = this.timers.clock.now();
    if (now - this.startedAt >= WINDOW_MS) {
      this.due();
      this.startedAt = now;
      this.lines = 0;
    }
    if (++this.lines > LINES) {
      if (this.unnamed.size === 0) this.timers.schedule(this, WINDOW_MS);
      this.unnamed.set(limit, (this.unnamed.get(limit) ?? 0) + 1);
      return;
    }
    this.logger.warn(
      `${route}: connection ${id} was cut off, because its client was too slow: ${WORDS[limit](value)}. ` +
        `${queuedBytes} bytes were queued for it.`,
    );
  }

  /** Logs those that were only counted, at the end of the window or of the application. */
  due(): void {
    this.timers.cancel(this);
    if (this.unnamed.size === 0) return;
    const counts = [...this.unnamed].map(([limit, count]) => `${count} by "${limit}"`).join(', ');
    this.unnamed.clear();
    this.logger.warn(
      `More connections were cut off within ${WINDOW_MS / 1000} s than are named here: ${counts}.`,
    );
  }
}

const WORDS: Record<CutOffLimit, (value: number) => string> = {
  'overflow.maxBytes': (bytes) => `one more event is more than "overflow.maxBytes" (${bytes}) allows to wait`,
  maxQueuedBytes: (bytes) =>
    `the events that wait for all slow clients together exceed "maxQueuedBytes" (${bytes}), and this client has the most`,
  stallMs: (ms) => `it took nothing for "stallMs" (${ms})`,
};
