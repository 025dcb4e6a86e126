import type { FeedPosition } from './cursor.js';
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
export class LiveReaders {
  private readonly consumers = new Map<LiveReader, BatchConsumer>();
  /** Who came while a batch was being delivered, which is not for them. */
  private joining: [LiveReader, BatchConsumer][] = [];
  private delivering = false;
  /** The place of all. Meaningless while there are none. */
  at: FeedPosition = [];

  get size(): number {
    return this.consumers.size + this.joining.length;
  }

  readers(): LiveReader[] {
    return [...this.consumers.keys(), ...this.joining.map(([reader]) => reader)];
  }

  add(reader: LiveReader, consumer: BatchConsumer): void {
    if (this.delivering) this.joining.push([reader, consumer]);
    else this.consumers.set(reader, consumer);
  }

  /** Whether the reader was one of them. */
  delete(reader: LiveReader): boolean {
    if (this.consumers.delete(reader)) return true;
    const index = this.joining.findIndex(([joining]) => joining === reader);
    if (index >= 0) this.joining.splice(index, 1);
    return index >= 0;
  }

  /** Gives a batch to all who have room, after which they are at `next`; the others fall behind. */
  deliver(batch: EventBatch, next: FeedPosition): void {
    const { at, consumers } = this;
    this.at = next;
    this.delivering = true;
    for (const [reader, consumer] of consumers) {
      try {
        if (consumer.ready) consumer.batch(batch);
        else this.drop(reader, at);
      } catch (error) {
        reader.fail(error);
      }
    }
    this.delivering = false;
    for (const [reader, consumer] of this.joining.splice(0)) consumers.set(reader, consumer);
  }

  /** Gives all a place of their own. */
  disperse(): void {
    for (const [reader] of this.joining.splice(0)) reader.fallBehind(this.at);
    for (const reader of [...this.consumers.keys()]) this.drop(reader, this.at);
  }

  private drop(reader: LiveReader, at: FeedPosition): void {
    if (this.consumers.delete(reader)) reader.fallBehind(at);
  }
}
