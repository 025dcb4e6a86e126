import { guardedController } from '../../errors/guarded-signal.js';
import { ask } from '../ask.js';
import type { FeedPosition } from '../../log/cursor.js';
import type { Awaitable } from '../../log/event-log.js';
import type { Deliverable } from '../../log/log-entry.js';
import type { StateDelivery } from './state-delivery.js';
import type { ChannelState, SnapshotReason, StateSource } from './state-source.js';

/** A state is taken this many times in a row if its position is evicted before it was sent. Then a gap is reported. */
const MAX_ATTEMPTS = 3;

/** The part of a reader that {@link StateReading} calls. */
export interface StateReader {
  /** The reader continues after this position. With `undefined` its next read is a gap. */
  place(at: FeedPosition | undefined): void;
  /** Makes the delivery of a state. */
  delivery(state: ChannelState): StateDelivery;
  /** Checks that the events after a position are kept, and loads them. */
  follows(at: FeedPosition): Awaitable<boolean>;
  /** Waits for an answer, calls `take` with it, and has the reader pulled again. */
  wait<V>(answer: Promise<V>, take: (value: V) => void): void;
  /** The snapshot of the application has thrown or rejected while it was released. */
  teardownFailed(error: unknown): void;
}

/**
 * The state that a subscription sends before its events. The reader has a position only after the state was taken, and a cursor
 * only after it was sent.
 */
export class StateReading {
  /** The reason for which a state must be taken. */
  needed: SnapshotReason | undefined;
  /** True if the position of the state is known, although the state is not there yet. */
  fixed = false;
  /** True if no state can be had, so that the next gap is reported. */
  exhausted = false;
  /** The state that is sent, and the reason for which it was taken. */
  private sending: { at: FeedPosition; delivery: StateDelivery; reason: SnapshotReason } | undefined;
  /** The answer of the last check of the position. */
  private isKept: boolean | undefined;
  private attempts = 0;
  /** The position of the last state that was sent. */
  private sentAt: FeedPosition | undefined;
  private controller: AbortController | undefined;

  constructor(
    private readonly source: StateSource,
    private readonly reader: StateReader,
  ) {}

  /** True while a state is needed, taken or sent. */
  get busy(): boolean {
    return this.needed !== undefined || this.sending !== undefined;
  }

  open(): void {
    this.source.open?.();
  }

  /** Takes a state if one is needed. */
  take(): void {
    const { needed: reason, source } = this;
    if (reason === undefined) return;
    if (this.attempts >= MAX_ATTEMPTS) return this.taken(undefined, reason);
    const { signal } = (this.controller ??= guardedController((error) => this.reader.teardownFailed(error)));
    const answer = ask(() => source.take(reason, signal, () => (this.fixed = true)));
    if (answer instanceof Promise) this.reader.wait(answer, (state) => this.taken(state, reason));
    else this.taken(answer, reason);
  }

  /** The next events of the state. `undefined` if it was sent, if the reader waits, or if a state must be taken again. */
  pull(): readonly Deliverable[] | undefined {
    const { sending, reader } = this;
    if (!sending) return undefined;
    const items = sending.delivery.next();
    if (items instanceof Promise) {
      reader.wait(items, () => undefined);
      return undefined;
    }
    if (items) return items;
    // The last event has the id. It is sent only if what follows it is still kept.
    const kept = this.isKept ?? reader.follows(sending.at);
    if (kept instanceof Promise) {
      reader.wait(kept, (answer) => (this.isKept = answer));
      return undefined;
    }
    this.isKept = this.sending = undefined;
    if (!kept) {
      this.needed = sending.reason;
      return undefined;
    }
    this.attempts = 0;
    this.sentAt = sending.at;
    return sending.delivery.last();
  }

  close(): void {
    this.needed = undefined;
    this.sending?.delivery.close();
    this.sending = undefined;
    this.controller?.abort();
    this.source.close?.();
  }

  private taken(state: ChannelState | undefined, reason: SnapshotReason): void {
    this.needed = undefined;
    this.fixed = false;
    // The same state again cannot stand in for events that were lost after it.
    const isNew =
      state && !(reason === 'gap' && state.at.every((position, i) => position === this.sentAt?.[i]));
    if (!state || isNew === false) {
      this.attempts = 0;
      this.exhausted = true;
      if (reason === 'start') this.reader.place(undefined);
      return;
    }
    this.attempts++;
    this.sending = { at: state.at, delivery: this.reader.delivery(state), reason };
    this.reader.place(state.at);
  }
}
