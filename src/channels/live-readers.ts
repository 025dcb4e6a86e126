import type { FeedPosition } from '../log/cursor.js';
import type { EventBatch } from './event-batch.js';

/** Takes batches as they arrive. */
export interface BatchConsumer {
  /** True if the consumer can take a batch. Checked before each one. */
  readonly ready: boolean;
  batch(batch: EventBatch): void;
}

/** A reader that shares the position of all live readers, until it falls behind. */
export interface LiveReader {
  /** From now on the reader has its own position, and reads after it. */
  fallBehind(at: FeedPosition): void;
  /** Its consumer has thrown. */
  fail(error: unknown): void;
}

/**
 * Readers that have read everything and take new batches immediately. They share one position, so a delivery touches only their
 * consumers. With a thousand readers, the cost of a delivery is in cache misses, and not in the work.
 */
export class LiveReaders<Reader extends LiveReader> {
  private readonly consumers = new Map<Reader, BatchConsumer>();
  /** Readers that were added during a delivery. They do not receive that batch. */
  private readonly joining = new Map<Reader, BatchConsumer>();
  /** Readers that were removed during a delivery. They stay in `consumers` until it ends, because of `positionOf()`. */
  private readonly leaving = new Set<Reader>();
  /** The delivery that is under way: the reader whose turn it is, and the position of the readers after it. */
  private delivery: { to: Reader; from: FeedPosition } | undefined;
  /** The common position. Not defined while there are no readers. */
  at: FeedPosition = [];

  get size(): number {
    return this.consumers.size - this.leaving.size + this.joining.size;
  }

  readers(): Reader[] {
    const staying = [...this.consumers.keys()].filter((reader) => !this.leaving.has(reader));
    return [...staying, ...this.joining.keys()];
  }

  /**
   * The position of a reader. During a delivery it depends on whether the reader has received the batch, which follows from the
   * iteration order of `consumers`. A position in each reader would need a write to each of them in every delivery. This search
   * runs only if a reader leaves or is asked for its cursor during a delivery.
   */
  positionOf(reader: Reader): FeedPosition {
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

  /** Returns false if the reader was not one of them. */
  delete(reader: Reader): boolean {
    if (!this.delivery) return this.consumers.delete(reader);
    if (this.joining.delete(reader)) return true;
    if (!this.consumers.has(reader) || this.leaving.has(reader)) return false;
    this.leaving.add(reader);
    return true;
  }

  /** Delivers a batch to all consumers that are ready, whose position is then `next`. The other readers fall behind. */
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

  /** Makes all readers fall behind. */
  dropAll(): void {
    for (const reader of this.readers()) this.drop(reader, this.at);
  }

  private drop(reader: Reader, at: FeedPosition): void {
    if (this.delete(reader)) reader.fallBehind(at);
  }
}
