import { immediate } from '../errors/guard.js';
import type { Deliverable } from '../log/log-entry.js';
import type { EventBatch } from './event-batch.js';
import type { ReaderOptions } from './subscription.options.js';

/** The reader that selects. */
export interface SelectingReader {
  /** Called after the event for which `until` is true. */
  end(): void;
  /** Called with what a function of the application throws. */
  fail(error: unknown): void;
}

/**
 * Returns the events that the filter keeps, up to the end or the failure of the reader. Returns `undefined` if none are left.
 */
export function selectEvents(
  batch: EventBatch,
  { filter, until }: Pick<ReaderOptions, 'filter' | 'until'>,
  reader: SelectingReader,
): EventBatch | undefined {
  const kept: Deliverable[] = [];
  try {
    for (const [i, item] of batch.items.entries()) {
      const event = batch.event(i) as never;
      const channel = item.channel?.name ?? '';
      if (filter && !immediate(filter(event, channel), 'filter')) continue;
      kept.push(item);
      if (!immediate(until?.(event, channel), 'until')) continue;
      reader.end();
      break;
    }
  } catch (error) {
    reader.fail(error);
  }
  return kept.length === 0 ? undefined : batch.with(kept);
}
