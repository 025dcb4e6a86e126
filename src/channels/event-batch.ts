import type { SseEvent } from '../events/sse-event.js';
import type { Deliverable, Parse } from '../log/log-entry.js';

/**
 * Consecutive events as one piece, shared by all subscriptions that are at the same place: joined and encoded once,
 * whoever asks first, and then the same string and the same bytes for everybody.
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

  /** How many events there are. */
  get size(): number {
    return this.items.length;
  }

  /** All events as they go over the wire. */
  get text(): string {
    if (this.joined === undefined) {
      let text = '';
      for (const item of this.items) text += item.frame;
      this.joined = text;
    }
    return this.joined;
  }

  /** `text` in UTF-8. Not to be written to: others send it too. */
  get bytes(): Buffer {
    this.encoded ??= Buffer.from(this.text, 'utf8');
    return this.encoded;
  }

  /**
   * What `make` makes of the batch, made once for all who pass the same function: the bytes with the framing of a
   * transport around them, say.
   */
  derive<T>(make: (batch: EventBatch) => T): T {
    if (this.derivation?.make !== make) this.derivation = { make, value: make(this) };
    return this.derivation.value as T;
  }

  /** One event with its fields, `undefined` past the end. */
  event(index: number): SseEvent | undefined {
    return this.items[index]?.toEvent(this.parse);
  }

  /** Some of the items as a batch; this one if they are all. */
  with(items: readonly Deliverable[]): EventBatch {
    return items.length === this.items.length ? this : new EventBatch(items, this.parse);
  }
}
