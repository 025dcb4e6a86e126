import type { SseEvent } from '../events/sse-event.js';
import type { Deliverable, Parse } from '../log/log-entry.js';

/**
 * Consecutive events, shared by all subscriptions at the same position. They are joined and encoded once, on first use. The
 * class fits `SharedBatch` of `connection/`, so that an outlet can write it, but neither folder imports the other.
 */
export class EventBatch {
  /** Bytes of all frames. */
  readonly byteLength: number;
  private joined: string | undefined;
  private encoded: Buffer | undefined;
  private derivation: { make: (batch: EventBatch) => unknown; value: unknown } | undefined;

  constructor(
    readonly items: readonly Deliverable[],
    private readonly parse: Parse,
  ) {
    let bytes = 0;
    for (const item of items) bytes += item.bytes;
    this.byteLength = bytes;
  }

  /** The number of events. */
  get size(): number {
    return this.items.length;
  }

  /** All events in the event stream format. */
  get text(): string {
    if (this.joined === undefined) {
      let text = '';
      for (const item of this.items) text += item.frame;
      this.joined = text;
    }
    return this.joined;
  }

  /** `text` in UTF-8. Do not modify it, because other connections send it too. */
  get bytes(): Buffer {
    this.encoded ??= Buffer.from(this.text, 'utf8');
    return this.encoded;
  }

  /** Returns `make(this)`, and caches it for the next call with the same function. An example is the chunk framing of HTTP/1.1. */
  derive<T>(make: (batch: EventBatch) => T): T {
    if (this.derivation?.make !== make) this.derivation = { make, value: make(this) };
    return this.derivation.value as T;
  }

  /** One event with its fields; `undefined` beyond the end. */
  event(index: number): SseEvent | undefined {
    return this.items[index]?.toEvent(this.parse);
  }

  /** A batch of some of the items. Returns this batch if these are all items. */
  with(items: readonly Deliverable[]): EventBatch {
    return items.length === this.items.length ? this : new EventBatch(items, this.parse);
  }
}
