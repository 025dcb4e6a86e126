import { channelKey, type ChannelKey, type LogPosition } from '../../log/cursor.js';
import type { LogListener, LogSlice, ReadLimit } from '../../log/event-log.js';
import { showLoss, type KnownHistory } from './history.js';
import { AnnouncedEntries, parseNotice } from './notice.js';

interface Watch {
  readonly listener: LogListener;
  active: boolean;
}

/** A channel with at least one listener in this process. */
interface Watched {
  readonly key: ChannelKey;
  readonly watches: Set<Watch>;
  /** Entries that were announced since the listeners were last called. */
  announced: AnnouncedEntries | undefined;
}

/** The listeners of this process by channel. Calls them once per turn for all announcements of that turn. */
export class RedisWatches {
  private readonly channels = new Map<string, Watched>();
  private readonly changed = new Set<Watched>();
  private notifying = false;

  constructor(
    private readonly history: KnownHistory,
    private readonly onFirstListener: (channel: string) => void,
    private readonly onLastListenerLeft: (channel: string) => void,
  ) {}

  names(): string[] {
    return [...this.channels.keys()];
  }

  has(channel: string): boolean {
    return this.channels.has(channel);
  }

  add(names: readonly string[], listener: LogListener): () => void {
    const watch = { listener, active: true };
    for (const name of names) {
      let watched = this.channels.get(name);
      if (!watched) {
        watched = { key: channelKey(name), watches: new Set(), announced: undefined };
        this.channels.set(name, watched);
        this.onFirstListener(name);
      }
      watched.watches.add(watch);
    }
    return () => {
      if (!watch.active) return;
      watch.active = false;
      for (const name of names) this.remove(name, watch);
    };
  }

  /** Takes a message of pub/sub. */
  receive(name: string, text: string): void {
    const watched = this.channels.get(name);
    if (!watched) return;
    const notice = parseNotice(watched.key, text);
    if (notice) {
      const { end, first } = notice;
      const known = this.history.end(name);
      if (showLoss(known, end.epoch, [{ us: end.us, count: first }])) {
        // The next read of this channel finds the loss and begins a new epoch.
        if (known?.epoch === end.epoch) this.history.lose(name, known);
        watched.announced = undefined;
      } else if (known && known.epoch !== end.epoch) {
        // A notice does not say whether the process that began this epoch knew ours. The next read of the channel does.
        watched.announced = undefined;
      } else {
        this.history.note(name, end);
        if (!watched.announced?.add(notice)) {
          watched.announced = new AnnouncedEntries(end.epoch, first);
          if (!watched.announced.add(notice)) watched.announced = undefined;
        }
      }
    }
    this.notifyLater(watched);
  }

  /** Calls the listeners of these channels, because they may have missed an announcement. */
  wake(names: Iterable<string>): void {
    for (const name of names) {
      const watched = this.channels.get(name);
      if (watched) this.notifyLater(watched);
    }
  }

  /** The entries after a position, if they were just announced. Only for a read from within a listener. */
  readAnnounced(name: string, after: LogPosition, limit: ReadLimit): LogSlice | undefined {
    return this.notifying ? this.channels.get(name)?.announced?.read(after, limit) : undefined;
  }

  private remove(name: string, watch: Watch): void {
    const watched = this.channels.get(name);
    if (!watched?.watches.delete(watch) || watched.watches.size > 0) return;
    this.channels.delete(name);
    this.onLastListenerLeft(name);
  }

  private notifyLater(watched: Watched): void {
    // On the next tick the Redis client has parsed all messages of one read of the socket, so one call covers them all.
    if (this.changed.size === 0) process.nextTick(notify, this);
    this.changed.add(watched);
  }

  /** @internal */
  notify(): void {
    const channels = [...this.changed];
    this.changed.clear();
    const changed = new Map<Watch, string[]>();
    for (const { key, watches } of channels) {
      for (const watch of watches) {
        const names = changed.get(watch);
        if (names) names.push(key.name);
        else changed.set(watch, [key.name]);
      }
    }
    this.notifying = true;
    for (const [watch, names] of changed) if (watch.active) watch.listener(names);
    this.notifying = false;
    for (const watched of channels) watched.announced = undefined;
  }
}

function notify(watches: RedisWatches): void {
  watches.notify();
}
