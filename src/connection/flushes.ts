import type { Clock } from '../time/clock.js';

/** An object that has something to write at the end of this turn. */
export interface Flushable {
  flush(): void;
}

/** The time is read once for this many writes. */
const UNTIMED_WRITES = 64;
/** The maximum number of writes in one turn of the event loop. */
const MAX_WRITES = 1024;
/** The maximum time for writes in one turn. With everything else that runs, a turn then stays below 20 ms. */
const MAX_MS = 8;

/**
 * Writes the pending text of all connections at the end of a turn, in one callback. If there is too much for one turn, the
 * rest waits for the next one. So an event for many thousand connections does not block the process. The order is first in,
 * first out.
 */
export class Flushes {
  private due: Flushable[] = [];
  /** How many of `due` were flushed. */
  private done = 0;
  /** True while the rest of `due` waits for another turn. New writes must then wait behind it. */
  private behind = false;
  /** True if this turn has no room left. */
  private spent = false;
  private writes = 0;
  private startedAt = 0;

  constructor(private readonly clock: Clock) {}

  /** Flushes `outlet` after the code that runs now. */
  add(outlet: Flushable): void {
    if (this.due.push(outlet) === 1) process.nextTick(runFlushes, this);
  }

  /** Counts a write that is made immediately. `false` if this turn has no room for it: then call {@link add}. */
  admits(): boolean {
    return !this.behind && this.countWrite();
  }

  /** @internal */
  run(): void {
    const { due } = this;
    try {
      while (this.done < due.length && this.countWrite()) due[this.done++]?.flush();
    } finally {
      // If one of them throws, the others are still flushed.
      this.scheduleRest();
    }
  }

  private countWrite(): boolean {
    if (this.spent) return false;
    if (++this.writes % UNTIMED_WRITES !== 0) return true;
    if (this.writes === UNTIMED_WRITES) {
      this.startedAt = this.clock.now();
      // Scheduled only now, so that turns with few writes pay nothing. The counted writes can thus be of several turns.
      this.clock.defer(() => this.beginTurn());
      return true;
    }
    this.spent = this.writes > MAX_WRITES || this.clock.now() - this.startedAt >= MAX_MS;
    return !this.spent;
  }

  private beginTurn(): void {
    this.writes = 0;
    this.spent = false;
  }

  private scheduleRest(): void {
    const { due, done } = this;
    this.behind = done < due.length;
    // Copied, because under constant load the array would never become empty and would grow forever.
    this.due = this.behind ? due.slice(done) : due;
    this.done = 0;
    if (!this.behind) due.length = 0;
    else if (this.spent) this.clock.defer(() => this.run());
    else process.nextTick(runFlushes, this);
  }
}

function runFlushes(flushes: Flushes): void {
  flushes.run();
}
