import type { MemoryChannel, MemoryWatch } from './memory-channel.js';

/** Tells watchers what was appended, once for all of a turn. */
export class MemoryAnnouncer {
  private news = new Set<MemoryChannel>();

  /** Something was appended to a channel. */
  add(channel: MemoryChannel): void {
    if (channel.watches.size === 0) return;
    // After the microtasks, so that a loop of awaited publishes is one turn.
    if (this.news.size === 0) process.nextTick(announceNow, this);
    this.news.add(channel);
  }

  /** Tells them now. */
  announce(): void {
    const { news } = this;
    this.news = new Set();
    const changed = new Map<MemoryWatch, string[]>();
    for (const channel of news) {
      channel.announcedThrough = channel.newest?.order ?? channel.evictedThrough;
      for (const watch of channel.watches) {
        const names = changed.get(watch);
        if (names) names.push(channel.key.name);
        else changed.set(watch, [channel.key.name]);
      }
    }
    for (const [watch, names] of changed) if (watch.active) watch.listener(names);
  }

  clear(): void {
    this.news.clear();
  }
}

function announceNow(announcer: MemoryAnnouncer): void {
  announcer.announce();
}
