import type { FeedPosition } from '../log/cursor.js';
import type { EventBatch } from './event-batch.js';

/** Who takes batches as they come, as long as it has room. */
export interface BatchConsumer {
  /** Whether the next batch is welcome. Asked before each. */
  readonly ready: boolean;
  batch(batch: EventBatch): void;
}

/** Whose place is that of all live readers, until it falls behind. */
export interface LiveReader {
  /** It has a place of its own again, and what follows that is to be read. */
  fallBehind(at: FeedPosition): void;
  /** Its consumer threw. */
  fail(error: unknown): void;
}

/**
 * Those who have read everything and take what comes as it comes. They have one place in common, so a delivery touches
 * the consumer and nothing else: with a thousand of them it is the memory that is read, not the work, that costs.
 */
export class LiveReaders<Reader extends LiveReader> {
  private readonly consumers = new Map<Reader, BatchConsumer>();
  /** Who came while a batch was being delivered, which is not for them. */
  private readonly joining = new Map<Reader, BatchConsumer>();
  /** Who left while a batch was being delivered. Until that is over they keep their turn, by which places are known. */
  private readonly leaving = new Set<Reader>();
  /** Whose turn it is in a delivery, and where those are who had none yet. */
  private delivery: { to: Reader; from: FeedPosition } | undefined;
  /** The place of all. Meaningless while there are none. */
  at: FeedPosition = [];

  get size(): number {
    return this.consumers.size - this.leaving.size + this.joining.size;
  }

  readers(): Reader[] {
    const staying = [...this.consumers.keys()].filter((reader) => !this.leaving.has(reader));
    return [...staying, ...this.joining.keys()];
  }

  /** The place of one of them: in the middle of a delivery, whether it had its turn makes the difference. */
  placeOf(reader: Reader): FeedPosition {
    const { delivery, at } = this;
    if (!delivery || this.joining.has(reader)) return at;
    for (const served of this.consumers.keys()) {
      if (served === reader) return at;
      if (served === delivery.to) break;
    }
    return delivery.from;
  }

  add(reader: Reader, consumer: BatchConsumer): void {
    (this.delivery ? this.joining : this.consumers).set(reader, consumer);
  }

  /** Whether the reader was one of them. */
  delete(reader: Reader): boolean {
    if (!this.delivery) return this.consumers.delete(reader);
    if (this.joining.delete(reader)) return true;
    if (!this.consumers.has(reader) || this.leaving.has(reader)) return false;
    this.leaving.add(reader);
    return true;
  }

  /** Gives a batch to all who have room, after which they are at `next`; the others fall behind. */
  deliver(batch: EventBatch, next: FeedPosition): void {
    const { at, consumers, joining, leaving } = this;
    const delivery = { to: undefined as never as Reader, from: at };
    this.at = next;
    this.delivery = delivery;
    for (const [reader, consumer] of consumers) {
      delivery.to = reader;
      if (leaving.size > 0 && leaving.has(reader)) continue;
      try {
        if (consumer.ready) consumer.batch(batch);
        else this.drop(reader, at);
      } catch (error) {
        reader.fail(error);
      }
    }
    this.delivery = undefined;
    for (const reader of leaving) consumers.delete(reader);
    leaving.clear();
    for (const [reader, consumer] of joining) consumers.set(reader, consumer);
    joining.clear();
  }

  /** Gives all a place of their own. */
  disperse(): void {
    for (const reader of this.readers()) this.drop(reader, this.at);
  }

  private drop(reader: Reader, at: FeedPosition): void {
    if (this.delete(reader)) reader.fallBehind(at);
  }
}
