import type { EventBatch } from './event-batch.js';
import type { BatchConsumer } from './live-readers.js';

/** The subscription of a {@link SubscriptionReader}. */
export interface ReaderOwner {
  /** There may be events to pull, or the reader has got its position, has ended or has failed. */
  notify(): void;
  /** The snapshot of the application has thrown or rejected while it was released. */
  teardownFailed(error: unknown): void;
}

/** The part of a subscription that reads events. */
export interface SubscriptionReader {
  readonly ended: boolean;
  /** The error with which it ended. The subscription removes it when it has reported it. */
  failure: { readonly error: unknown } | undefined;
  /** The signal was aborted, so events that were pulled but not returned must be dropped. */
  readonly aborted: boolean;
  /** True once the start position is known. */
  readonly positioned: boolean;
  /** The cursor after the events that were pulled. */
  readonly cursor: string | undefined;
  /** Starts reading. Before that, the reader holds no resources. */
  begin(): void;
  /** Returns the next events. Without events, returns `undefined` and calls `owner.notify()` later. */
  pull(): EventBatch | undefined;
  /** Passes new batches directly to `consumer` if possible. */
  follow(consumer: BatchConsumer): boolean;
  /** Fails if the log has not returned the start position yet. */
  giveUp(): void;
  /** Ends the reader and releases its resources. */
  end(): void;
}
