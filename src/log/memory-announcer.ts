import type { MemoryChannel, MemoryWatch } from './memory-channel.js';

/** Calls the listeners of changed channels, once for all appends of a turn. */
export class MemoryAnnouncer {
  private changed = new Set<MemoryChannel>();

  /** Notes an append to a channel. */
  add(channel: MemoryChannel): void {
    if (channel.watches.size === 0) return;
    // The next tick comes after the microtasks, so a loop of awaited publishes is announced once.
    if (this.changed.size === 0) process.nextTick(announceNow, this);
    this.changed.add(channel);
  }

  /** Calls the listeners now. */
  announce(): void {
    const channels = this.changed;
    this.changed = new Set();
    const changed = new Map<MemoryWatch, string[]>();
    for (const channel of channels) {
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
    this.changed.clear();
  }
}

function announceNow(announcer: MemoryAnnouncer): void {
  announcer.announce();
}
