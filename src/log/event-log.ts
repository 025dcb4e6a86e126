import type { LineLogger } from '../errors/health-report.js';
import type { LogPosition } from './cursor.js';
import type { LogEntry } from './log-entry.js';
import type { LogRecord } from './log-record.js';
import type { Retention } from './retention.js';
import type { Transaction } from './transaction.js';

/** A value, or a promise of it. A log should return values that it has in memory without a promise. */
export type Awaitable<T> = T | Promise<T>;

/** The limit of one read. A read returns whole entries, and at least one if there is any. */
export interface ReadLimit {
  /** At most this many entries. */
  readonly events: number;
  /** No further entry is added once the frames have reached this many bytes. */
  readonly bytes: number;
}

/** The result of a read. */
export interface LogSlice {
  /** Consecutive entries, oldest first. None is missing between them. */
  readonly entries: readonly LogEntry[];
  /** The position before `entries`: the requested one, or after a gap the one before the oldest entry that is kept. */
  readonly from: LogPosition;
  /** True if entries after the requested position may be lost, or if the log does not know that position. */
  readonly gap: boolean;
  /** True if the limit ended the slice, and not the end of the log. */
  readonly more: boolean;
  /**
   * For a read from the oldest entry: true if the channel has evicted no entry since it was created, or since the log has
   * forgotten it. Only folds need it, so a log without `snapshots` can leave it out.
   */
  readonly whole?: boolean;
}

/** A folded state of a channel, as a log keeps it. */
export interface LogSnapshot {
  /** The position of the last entry that the state includes. */
  readonly position: LogPosition;
  /** The state as JSON. */
  readonly state: string;
}

/**
 * Keeps folded states. A channel has at most one for each name of a fold. A state is kept as long as the log remembers the
 * channel, and is forgotten with it.
 *
 * All methods fail like those of {@link EventLog} if the storage cannot be reached.
 */
export interface LogSnapshots {
  /** The stored state. `undefined` if no state is stored, or if it belongs to an earlier epoch. */
  read(channel: string, fold: string): Awaitable<LogSnapshot | undefined>;

  /** The position of the stored state, without the state. */
  position(channel: string, fold: string): Awaitable<LogPosition | undefined>;

  /**
   * Stores a state in place of the one at `replaces`. Pass `undefined` if no state is stored. Of two nodes that replace the same
   * state, one succeeds. Returns `false`, and stores nothing, in these cases: another state is stored by now, the new position is not
   * after the stored one, or it does not belong to the current epoch of the channel.
   *
   * @throws {SseError} `SSE_EVENT_TOO_LARGE` for a state of more than `maxEventBytes`.
   */
  write(
    channel: string,
    fold: string,
    snapshot: LogSnapshot,
    replaces: LogPosition | undefined,
  ): Awaitable<boolean>;
}

/** The events that a log keeps of one channel. */
export interface KeptEvents {
  readonly events: number;
  /** The sum of their `LogRecord.bytes`. */
  readonly bytes: number;
  /** When the oldest of them was appended, in milliseconds since 1970. `undefined` for an empty channel, or if the log cannot tell. */
  readonly oldestAt: number | undefined;
}

/** The health of a log. */
export interface LogHealth {
  readonly status: 'up' | 'down';
  /** The reason, while it is down. */
  readonly error?: unknown;
}

/**
 * Called with the watched channels that have changed. A listener reads the log immediately, never throws, and may call any
 * method of the log.
 */
export type LogListener = (changed: readonly string[]) => void;

/**
 * Stores the events of channels. A channel is an append-only sequence of entries, of which the newest are kept. Channels are
 * created by their first use. The caller has checked each name, and `__proto__` is a valid one.
 *
 * **Order.** All readers of a channel, in every process, see its entries in the same order, which is the order of positions.
 * Entries of one `append` are consecutive. Entries of different channels have no order except `LogEntry.order`.
 *
 * **Concurrency.** All methods may be called at any time, even from within a listener. Appends of one process to one channel
 * take effect in the order of the calls.
 *
 * **Acknowledgement.** When `append` has resolved, its entries are in the log. Every later read, in any process, finds them
 * until they are evicted. When `append` has failed, none of them is in the log. After `SSE_LOG_UNAVAILABLE` they may be, and the next
 * `read` of the channel in the same process shows whether they are. A log repeats an append only if it can rule out that the first
 * one took effect.
 *
 * **Retention.** A log may evict entries at any time according to its retention, always the oldest ones and never from the
 * middle. It may forget a channel that has neither entries nor listeners. It must never hide a loss: `read` returns `gap` if
 * entries may be missing. An unnecessary gap is allowed, and a missing one is not.
 *
 * **Errors.** If the storage cannot be reached, methods fail with `SSE_LOG_UNAVAILABLE`, immediately or after a documented
 * time. Subscriptions then stay open, wait until their listener is called, and read again. Any other error ends the
 * subscription. A method may throw or reject. `watch` does neither if the storage cannot be reached, and starts as soon as it
 * can.
 */
export interface EventLog {
  /**
   * Adds records at the end of a channel, all or none of them, and returns their positions.
   *
   * @throws {SseError} `SSE_EVENT_TOO_LARGE` for one record or for all of the call. `SSE_ID_ORDER` if, by `compareEventIds`, an
   * own id does not come after the last own id of the channel or of this call. `SSE_LOG_UNAVAILABLE`.
   */
  append(channel: string, records: readonly LogRecord[]): Awaitable<readonly LogPosition[]>;

  /**
   * Adds records at the end of a channel when a transaction of the application commits, and not at all if it does not. Without
   * this method, `publish()` rejects the option `tx`.
   *
   * @throws {SseError} as a rejection: `SSE_INVALID_TRANSACTION`, and the errors of `append`.
   */
  appendIn?(tx: Transaction, channel: string, records: readonly LogRecord[]): Promise<void>;

  /**
   * Returns the entries after a position, or the oldest entries if it is `undefined`. At the end of the log there are no
   * entries.
   *
   * The result is a `gap` with the oldest entries if the position is evicted, belongs to another epoch, is in the future, or is
   * not a position. The empty string never is one. It is not a gap if all entries up to the position are evicted, but none
   * after it.
   */
  read(channel: string, after: LogPosition | undefined, limit: ReadLimit): Awaitable<LogSlice>;

  /** The position at the end of a channel. Exactly the entries that are appended after this call follow it. */
  tail(channel: string): Awaitable<LogPosition>;

  /**
   * The position of the entry with an own id, or else of the last entry before that id. `undefined` if that entry is evicted or
   * unknown, or if the id comes after all own ids of the channel. If own ids are not comparable with each other or with this
   * one, the result may be `undefined`, but is never the position of another entry.
   */
  locate(channel: string, id: string): Awaitable<LogPosition | undefined>;

  /**
   * Calls `listener` soon after appends to these channels in any process, and after an outage, until the returned function is
   * called. All appends of one turn are one call.
   *
   * Unnecessary calls are harmless, but none may be missing: if an entry follows the end that a read has returned, a call comes
   * after that read. If a log evicts entries by itself that were not announced yet, it calls the listener first.
   */
  watch(channels: readonly string[], listener: LogListener): () => void;

  /**
   * Sets the retention of the channels whose names begin with `prefix`. A retention that the application has set for a channel counts more.
   * Called before such a channel is used. Without this method, `runs.retention` is rejected with `SSE_INVALID_OPTIONS`.
   *
   * @throws {SseError} `SSE_INVALID_OPTIONS` for a retention that the log cannot offer.
   */
  retain?(prefix: string, retention: Retention): void;

  /** Keeps the states of folds. Without it, a fold is rejected with `SSE_INVALID_OPTIONS`. */
  readonly snapshots?: LogSnapshots | undefined;

  /**
   * The events that are kept of a channel, for the inspector, which asks every few seconds while somebody looks. A log that would
   * have to read the events leaves this out.
   */
  kept?(channel: string): Awaitable<KeptEvents>;

  /** Sets a logger. A log that can go down logs one line when it does, and one line when it is up again. */
  useLogger?(logger: LineLogger): void;

  /** The current health. */
  health(): LogHealth;

  /** Releases timers and connections. After that every method fails with `SSE_LOG_UNAVAILABLE`. May be called repeatedly. */
  close(): Awaitable<void>;
}
