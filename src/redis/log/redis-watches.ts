import { channelKey, type ChannelKey, type LogPosition } from '../../log/cursor.js';
import type { LogListener, LogSlice, ReadLimit } from '../../log/event-log.js';
import { showLoss, type KnownHistory } from './history.js';
import { News, parseNotice } from './notice.js';

interface Watch {
  readonly listener: LogListener;
  active: boolean;
}

/** A channel that somebody in this process watches. */
interface Watched {
  readonly key: ChannelKey;
  readonly watches: Set<Watch>;
  /** What came in this turn, until the listeners were called. */
  news: News | undefined;
}

/** Who watches what in this process, and what they have not been told yet. */
export class RedisWatches {
  private readonly channels = new Map<string, Watched>();
  private readonly changed = new Set<Watched>();
  private telling = false;

  constructor(
    private readonly history: KnownHistory,
    private readonly began: (channel: string) => void,
    private readonly ended: (channel: string) => void,
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
        watched = { key: channelKey(name), watches: new Set(), news: undefined };
        this.channels.set(name, watched);
        this.began(name);
      }
      watched.watches.add(watch);
    }
    return () => {
      if (!watch.active) return;
      watch.active = false;
      for (const name of names) this.remove(name, watch);
    };
  }

  /** A notice came. */
  hear(name: string, text: string): void {
    const watched = this.channels.get(name);
    if (!watched) return;
    const notice = parseNotice(watched.key, text);
    if (notice) {
      const { end, first } = notice;
      const known = this.history.end(name);
      if (showLoss(known, end.epoch, [{ us: end.us, count: first }])) {
        // The next read of this channel finds the loss and begins a new epoch.
        if (known?.epoch === end.epoch) this.history.lose(name, end.epoch);
        watched.news = undefined;
      } else if (known && known.epoch !== end.epoch) {
        // Only the channel itself says whether the process that began this epoch knew of ours.
        watched.news = undefined;
      } else {
        this.history.note(name, end);
        if (!watched.news?.add(notice)) {
          watched.news = new News(end.epoch, first);
          if (!watched.news.add(notice)) watched.news = undefined;
        }
      }
    }
    this.tellLater(watched);
  }

  /** Something may have changed in these channels, whatever it was. */
  wake(names: Iterable<string>): void {
    for (const name of names) {
      const watched = this.channels.get(name);
      if (watched) this.tellLater(watched);
    }
  }

  /** What follows a position, if it came in this turn: the listener that is being called wants nothing else. */
  fresh(name: string, after: LogPosition, limit: ReadLimit): LogSlice | undefined {
    return this.telling ? this.channels.get(name)?.news?.read(after, limit) : undefined;
  }

  private remove(name: string, watch: Watch): void {
    const watched = this.channels.get(name);
    if (!watched?.watches.delete(watch) || watched.watches.size > 0) return;
    this.channels.delete(name);
    this.ended(name);
  }

  private tellLater(watched: Watched): void {
    // After the client has taken apart all that came with one read of the socket.
    if (this.changed.size === 0) process.nextTick(tell, this);
    this.changed.add(watched);
  }

  /** @internal */
  tell(): void {
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
    this.telling = true;
    for (const [watch, names] of changed) if (watch.active) watch.listener(names);
    this.telling = false;
    for (const watched of channels) watched.news = undefined;
  }
}

function tell(watches: RedisWatches): void {
  watches.tell();
}
