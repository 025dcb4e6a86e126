import type { FeedPosition } from '../log/cursor.js';
import { deliveries, type Deliverer } from '../time/slices.js';
import type { EventBatch } from './event-batch.js';

/** Takes batches as they arrive. */
export interface BatchConsumer {
  /** True if the consumer can take a batch. Checked before each one. */
  readonly ready: boolean;
  /** Takes a batch that is being delivered to all live readers. */
  batch(batch: EventBatch): void;
  /** Takes a batch that its reader has read by itself. With other work between them, writes are slower, so they come after it. */
  join(batch: EventBatch): void;
}

/** A reader that shares the position of all live readers, until it falls behind. */
export interface LiveReader {
  /** Set by {@link LiveReaders} only: how many readers were added before this one. */
  order: number;
  /** From now on the reader has its own position, and reads after it. */
  fallBehind(at: FeedPosition): void;
  /** Its consumer has thrown. */
  fail(error: unknown): void;
}

/** A delivery that is under way. */
interface Delivery<Reader> {
  readonly batch: EventBatch;
  /** The position of the readers that have not received the batch. */
  readonly from: FeedPosition;
  /** The readers whose turn has not come. */
  readonly rest: MapIterator<[Reader, BatchConsumer]>;
  /** The order of the last reader that receives the batch. Later ones were added during the delivery. */
  readonly last: number;
  /** The order of the reader whose turn it is. */
  order: number;
}

/**
 * Readers that have read everything and take new batches immediately. They share one position, so a delivery touches only their
 * consumers. With a thousand readers, the cost of a delivery is in cache misses, and not in the work.
 *
 * A delivery to very many readers takes several turns of the event loop. Readers may join and leave meanwhile.
 */
export class LiveReaders<Reader extends LiveReader> implements Deliverer {
  private readonly consumers = new Map<Reader, BatchConsumer>();
  private delivery: Delivery<Reader> | undefined;
  private added = 0;
  /** The common position. Not defined while there are no readers. */
  at: FeedPosition = [];

  /** @param delivered Called after a delivery that took several turns. */
  constructor(private readonly delivered: () => void) {}

  get size(): number {
    return this.consumers.size;
  }

  readers(): Reader[] {
    return [...this.consumers.keys()];
  }

  /** The position of a reader. During a delivery it depends on whether the reader has received the batch. */
  positionOf({ order }: Reader): FeedPosition {
    const { delivery, at } = this;
    return delivery && order > delivery.order && order <= delivery.last ? delivery.from : at;
  }

  /** Adds a reader at the common position. It does not receive a batch that is being delivered. */
  add(reader: Reader, consumer: BatchConsumer): void {
    reader.order = ++this.added;
    this.consumers.set(reader, consumer);
  }

  /** Returns false if the reader was not one of them. */
  delete(reader: Reader): boolean {
    return this.consumers.delete(reader);
  }

  /**
   * Delivers a batch to all consumers that are ready, whose position is then `next`. The other readers fall behind. Returns `false`
   * if the rest has to wait for other turns. Then `delivered` is called at the end.
   */
  deliver(batch: EventBatch, next: FeedPosition): boolean {
    const { at, consumers, added } = this;
    this.delivery = { batch, from: at, rest: consumers.entries(), last: added, order: 0 };
    this.at = next;
    return this.deliverTo(this.delivery);
  }

  /** Continues the delivery. */
  wake(): void {
    if (this.delivery && this.deliverTo(this.delivery)) this.delivered();
  }

  fail(error: unknown): void {
    for (const reader of this.readers()) reader.fail(error);
  }

  private deliverTo(delivery: Delivery<Reader>): boolean {
    const { batch, from, last } = delivery;
    for (const [reader, consumer] of delivery.rest) {
      if (reader.order > last) break;
      delivery.order = reader.order;
      try {
        if (consumer.ready) consumer.batch(batch);
        else this.drop(reader, from);
      } catch (error) {
        reader.fail(error);
      }
      if (deliveries.hasRoom()) continue;
      deliveries.add(this);
      return false;
    }
    this.delivery = undefined;
    return true;
  }

  /** Makes all readers fall behind. */
  dropAll(): void {
    for (const reader of this.readers()) this.drop(reader, this.positionOf(reader));
  }

  private drop(reader: Reader, at: FeedPosition): void {
    if (this.delete(reader)) reader.fallBehind(at);
  }
}
