import { isSseEvent } from '../../events/sse-event.js';
import { guard, isThenable } from '../../errors/guard.js';
import type { ChannelKey } from '../../log/cursor.js';
import { LogEntry, type Deliverable } from '../../log/log-entry.js';
import type { LogRecord } from '../../log/log-record.js';
import type { ReadLimit } from '../../log/event-log.js';

/** The parts of a {@link StateDelivery}. */
export interface StateDeliveryInit {
  readonly key: ChannelKey;
  readonly values: unknown;
  /** The id of the last event. */
  readonly id: string;
  /** The largest batch. */
  readonly limit: ReadLimit;
  /** Makes the record of a value. */
  record(value: unknown): LogRecord;
  /** The source has thrown or rejected while it was released. */
  teardownFailed(error: unknown): void;
}

/**
 * The events of a state, in batches. Only the last one has an id: a client that loses its connection before it asks for the whole
 * state again. An async iterable is read as the client takes its events, and returned when the delivery is closed.
 */
export class StateDelivery {
  private readonly iterator: Iterator<unknown> | AsyncIterator<unknown>;
  private items: Deliverable[] = [];
  private bytes = 0;
  /** The last value that was read. It is held back until it is known whether another one follows. */
  private held: LogRecord | undefined;
  private pending: Promise<void> | undefined;
  private done = false;

  constructor(private readonly init: StateDeliveryInit) {
    this.iterator = iterate(init.values);
  }

  /**
   * The next events, without the last one. `undefined` if only {@link last} is left. A promise if the source has to be waited for;
   * call again when it has resolved.
   */
  next(): readonly Deliverable[] | Promise<void> | undefined {
    const { limit } = this.init;
    while (!this.done) {
      if (this.items.length >= limit.events || this.bytes >= limit.bytes) return this.flush();
      if (!this.pending) {
        const result = this.iterator.next();
        if (!isThenable(result)) {
          this.add(result);
          continue;
        }
        this.pending = Promise.resolve(result).then((value) => {
          this.pending = undefined;
          this.add(value);
        });
      }
      if (this.items.length === 0) return this.pending;
      // Nobody may wait for it before the next call.
      this.pending.catch(() => undefined);
      return this.flush();
    }
    return undefined;
  }

  /** The last events, the last of which has the id. */
  last(): readonly Deliverable[] {
    const { held } = this;
    const items = this.flush();
    const { key, id } = this.init;
    if (!held) return items;
    if (held.idAt !== -1) return [...items, new LogEntry(key, '', 0, { ...held, id })];
    return [...items, this.withoutId(held), new LogEntry(key, '', 0, { ...ID_ONLY, id })];
  }

  /** Releases the source. */
  close(): void {
    if (this.done) return;
    this.done = true;
    guard(
      () => this.iterator.return?.(),
      (error) => this.init.teardownFailed(error),
    );
  }

  private add({ done, value }: IteratorResult<unknown, unknown>): void {
    if (done === true) {
      this.done = true;
      return;
    }
    if (value === undefined || this.done) return;
    const record = this.init.record(value);
    if (this.held) this.push(this.withoutId(this.held));
    this.held = record;
  }

  private push(item: Deliverable): void {
    this.items.push(item);
    this.bytes += item.bytes;
  }

  private withoutId(record: LogRecord): Deliverable {
    return new LogEntry(this.init.key, '', 0, { ...record, id: '-', idAt: -1 });
  }

  private flush(): readonly Deliverable[] {
    const { items } = this;
    this.items = [];
    this.bytes = 0;
    return items;
  }
}

/** A block that only has an id. */
const ID_ONLY: LogRecord = {
  frame: '\n',
  idAt: 0,
  bytes: 1,
  id: undefined,
  type: undefined,
  payload: 'none',
};

function iterate(values: unknown): Iterator<unknown> | AsyncIterator<unknown> {
  if (typeof values === 'object' && values !== null && !isSseEvent(values)) {
    if (Symbol.iterator in values) return (values as Iterable<unknown>)[Symbol.iterator]();
    if (Symbol.asyncIterator in values) return (values as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  }
  return [values][Symbol.iterator]();
}
