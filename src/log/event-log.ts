import type { LogPosition } from './cursor.js';
import type { LogEntry } from './log-entry.js';
import type { LogRecord } from './log-record.js';

/** A value now, or the promise of it. What a log has in memory it should hand out at once. */
export type Awaitable<T> = T | Promise<T>;

/** How much one read may return: whole entries, at least one if there is any. */
export interface ReadLimit {
  /** At most this many entries. */
  readonly events: number;
  /** No further entry once their frames have reached this many bytes. */
  readonly bytes: number;
}

/** What a read found. */
export interface LogSlice {
  /** Consecutive entries, oldest first, none left out between them. */
  readonly entries: readonly LogEntry[];
  /** The position that `entries` follow: as asked, or after a gap the one before the oldest that is kept. */
  readonly from: LogPosition;
  /** Whether entries after the position asked for may be gone, or that position means nothing to the log. */
  readonly gap: boolean;
  /** Whether the limit, not the end of the log, ended the slice. */
  readonly more: boolean;
}

/** How a log is. */
export interface LogHealth {
  readonly status: 'up' | 'down';
  /** What keeps it from working, while it is down. */
  readonly error?: unknown;
}

/** Writes lines for the people who run the application. The `Logger` of Nest is one. */
export interface LineLogger {
  log(line: string): void;
  warn(line: string): void;
}

/**
 * Told which of the watched channels changed; it reads at once, never throws, and may call back into the log.
 */
export type LogListener = (changed: readonly string[]) => void;

/**
 * What stands behind channels: for each name an append-only sequence of entries, of which the newest are kept.
 * Channels exist by being used. A name comes checked; `__proto__` is one.
 *
 * **Order.** All readers of a channel, in every process, see its entries in one order, and that is the order of
 * positions. Entries of one `append` are neighbours. Between channels there is no order but `LogEntry.order`.
 *
 * **Concurrency.** All methods may be called at any time, also from inside a listener. Appends of one process to one
 * channel take effect in the order of the calls.
 *
 * **Acknowledgement.** When `append` has resolved, the entries are in the log: each read after that, from anywhere,
 * finds them until they are evicted. When it has failed, none of them is, except after `SSE_LOG_UNAVAILABLE`, which
 * leaves it open. An append is never repeated by the log unless it can rule out that the first one took effect.
 *
 * **Keeping.** A log may evict, from the oldest on, whatever its retention says, at any time; never from the middle.
 * It may forget a channel that has neither entries nor watchers. What it must never do is hide that something went:
 * `read` says `gap`, rather once too often than once too seldom.
 *
 * **Errors.** What cannot be reached now fails with `SSE_LOG_UNAVAILABLE`, at once or after a stated wait; then
 * subscriptions stay, wait for their listener to be called, and read again. Any other error ends the subscription that
 * met it. A method may throw or reject; `watch` does neither for want of reach, but begins when it can.
 */
export interface EventLog {
  /**
   * Adds records at the end of a channel, all or none, and returns their positions.
   *
   * @throws {SseError} `SSE_EVENT_TOO_LARGE`, for one record or for all of the call; `SSE_ID_ORDER` for an own id that does
   * not come after the last own one of the channel by `compareEventIds`, also within the call; `SSE_LOG_UNAVAILABLE`.
   */
  append(channel: string, records: readonly LogRecord[]): Awaitable<readonly LogPosition[]>;

  /**
   * The entries that follow a position, or the oldest kept if it is `undefined`. A position of another epoch, evicted,
   * from the future, or no position at all (the empty string never is one) gives `gap` and the oldest kept. Not a gap:
   * that everything up to the position is gone, but nothing after it. An end of the log gives no entries.
   */
  read(channel: string, after: LogPosition | undefined, limit: ReadLimit): Awaitable<LogSlice>;

  /** The position at the end: what is appended after this call, and nothing else, follows it. */
  tail(channel: string): Awaitable<LogPosition>;

  /**
   * The position of the entry with an own id, or if there was none, of the last one before it. `undefined` if that is
   * evicted or unknown, or the id comes after all that are there. Where ids of a channel have no order among each other and
   * with this one, it may be `undefined` too, but never the position of another entry.
   */
  locate(channel: string, id: string): Awaitable<LogPosition | undefined>;

  /**
   * Calls `listener` until the returned function is called: soon after appends to these channels from any process, once
   * for all that happened in one turn, and after an outage. Calls too many are harmless. One too few is not: whenever a
   * read has found an end and an entry follows it, a call comes after that read. Before entries go that were not
   * announced yet, it is called at once if that is in the log's hands.
   */
  watch(channels: readonly string[], listener: LogListener): () => void;

  /** Gives the log a logger. A log that can go down writes one line when it does, and one when it is up again. */
  useLogger?(logger: LineLogger): void;

  /** How the log is now. */
  health(): LogHealth;

  /** Releases timers and connections. Everything fails with `SSE_LOG_UNAVAILABLE` from then on. May be called again. */
  close(): Awaitable<void>;
}
