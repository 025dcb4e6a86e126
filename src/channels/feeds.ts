import type { ChannelKey } from '../log/cursor.js';
import type { EventLog } from '../log/event-log.js';
import { EventBatch } from './event-batch.js';
import { Feed, type FeedReader } from './feed.js';
import type { Deliverable, Parse } from '../log/log-entry.js';
import { deliveries } from '../time/slices.js';

/** The feeds of this process: one for each set of channels with subscriptions. A feed is closed after its last reader has left. */
export class Feeds {
  private readonly feeds = new Map<string, Feed>();
  private readonly sizes = new Map<string, number>();
  private closed = false;

  constructor(
    readonly log: EventLog,
    readonly parse: Parse,
  ) {}

  /** Adds a reader to the feed of its channels. Returns `undefined` after `close()`. */
  join(keys: readonly ChannelKey[], reader: FeedReader): Feed | undefined {
    if (this.closed) return undefined;
    const id = idOf(keys);
    let feed = this.feeds.get(id);
    if (!feed) {
      feed = new Feed(keys, this.log, this.parse);
      this.feeds.set(id, feed);
    }
    feed.add(reader);
    this.count(keys, 1);
    return feed;
  }

  leave(feed: Feed, reader: FeedReader): void {
    if (!feed.delete(reader)) return;
    this.count(feed.keys, -1);
    if (feed.size > 0) return;
    this.feeds.delete(idOf(feed.keys));
    feed.close();
  }

  /** A batch of events that are not in the log. */
  batch(items: readonly Deliverable[]): EventBatch {
    return new EventBatch(items, this.parse);
  }

  /** The number of readers of a channel, including those of several channels. */
  size(name: string): number {
    return this.sizes.get(name) ?? 0;
  }

  /** The channels that have readers. */
  names(): string[] {
    return [...this.sizes.keys()];
  }

  /** Ends all readers, including later ones. */
  close(): void {
    this.closed = true;
    deliveries.finish();
    for (const feed of this.feeds.values()) feed.each((reader) => reader.end());
  }

  private count(keys: readonly ChannelKey[], by: number): void {
    for (const { name } of keys) {
      const size = this.size(name) + by;
      if (size === 0) this.sizes.delete(name);
      else this.sizes.set(name, size);
    }
  }
}

// Names cannot contain control characters, so a line break separates them.
function idOf(keys: readonly ChannelKey[]): string {
  return keys.map(({ name }) => name).join('\n');
}
