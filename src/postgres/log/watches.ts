import type { LogListener } from '../../log/event-log.js';

interface Watch {
  readonly listener: LogListener;
  active: boolean;
}

/** A channel that is watched in this process. */
interface Watched {
  readonly watches: Set<Watch>;
  /** Counts the wake-ups: tells whether one came while a read was under way. */
  wakeUps: number;
  /** The number of the latest event that a read has returned. */
  seen: number;
}

/** The listeners of this process. All wake-ups of one turn become one call for each. */
export class Watches {
  private readonly channels = new Map<string, Watched>();
  private readonly changed = new Set<string>();

  get size(): number {
    return this.channels.size;
  }

  names(): string[] {
    return [...this.channels.keys()];
  }

  has(channel: string): boolean {
    return this.channels.has(channel);
  }

  add(names: readonly string[], listener: LogListener): () => void {
    const watch = { listener, active: true };
    for (const name of names) {
      const watched = this.channels.get(name);
      if (watched) watched.watches.add(watch);
      else this.channels.set(name, { watches: new Set([watch]), wakeUps: 0, seen: 0 });
    }
    return () => {
      if (!watch.active) return;
      watch.active = false;
      for (const name of names) {
        const watched = this.channels.get(name);
        if (watched?.watches.delete(watch) && watched.watches.size === 0) this.channels.delete(name);
      }
    };
  }

  /** Something may have changed in these channels. */
  wake(names: Iterable<string>): void {
    for (const name of names) {
      const watched = this.channels.get(name);
      if (!watched) continue;
      watched.wakeUps++;
      if (this.changed.size === 0) process.nextTick(tell, this);
      this.changed.add(name);
    }
  }

  /** A channel has an event of this number. Wakes the listeners, unless a read has returned it. */
  wakeIfBefore(name: string, pos: number): void {
    const watched = this.channels.get(name);
    if (watched && watched.seen < pos) this.wake([name]);
  }

  /** To be passed to {@link ended} after a read. */
  wakeUpsOf(name: string): number {
    return this.channels.get(name)?.wakeUps ?? 0;
  }

  /** A read has returned events up to this number. Wakes the listeners again if it found the end before the last wake-up. */
  read(name: string, pos: number, more: boolean, wakeUps: number): void {
    const watched = this.channels.get(name);
    if (!watched) return;
    if (pos > watched.seen) watched.seen = pos;
    if (!more && watched.wakeUps !== wakeUps) this.wake([name]);
  }

  /** Numbers begin anew: none counts as returned any more. */
  forgetSeen(): void {
    for (const watched of this.channels.values()) watched.seen = 0;
  }

  /** @internal */
  tell(): void {
    const names = [...this.changed];
    this.changed.clear();
    const calls = new Map<Watch, string[]>();
    for (const name of names) {
      for (const watch of this.channels.get(name)?.watches ?? []) {
        const given = calls.get(watch);
        if (given) given.push(name);
        else calls.set(watch, [name]);
      }
    }
    for (const [watch, given] of calls) if (watch.active) watch.listener(given);
  }
}

function tell(watches: Watches): void {
  watches.tell();
}
