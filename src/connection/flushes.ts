import type { Clock } from '../time/clock.js';

/** What has something to write at the end of this turn. */
export interface Flushable {
  flush(): void;
}

/** With fewer writes, a turn is too short for anybody to look at the time. */
const UNTIMED_WRITES = 64;
/** At most this many writes in one turn of the event loop, */
const MAX_WRITES = 1024;
/** and none after this many milliseconds: with what runs besides, a turn stays below 20 ms. */
const MAX_MS = 8;

/**
 * Writes what was made in one turn at its end, for all connections in one go: a thousand of them are one callback. What
 * is too much for one turn waits for the next, so that an event for many thousand connections does not keep the
 * process from everything else. Whoever came first is written first.
 */
export class Flushes {
  private due: Flushable[] = [];
  /** How many of `due` were flushed. */
  private done = 0;
  /** Whether `due` waits for another turn, and with it whatever comes meanwhile. */
  private behind = false;
  /** Whether this turn has no room left. */
  private spent = false;
  private writes = 0;
  private startedAt = 0;

  constructor(private readonly clock: Clock) {}

  /** Has `outlet` flushed once what runs now has ended. */
  add(outlet: Flushable): void {
    if (this.due.push(outlet) === 1) process.nextTick(runFlushes, this);
  }

  /** Counts a write that is made now; `false` if there is no room for it, and the outlet is to be added instead. */
  admits(): boolean {
    return !this.behind && this.takesOne();
  }

  /** @internal */
  run(): void {
    const { due } = this;
    try {
      while (this.done < due.length && this.takesOne()) due[this.done++]?.flush();
    } finally {
      // What one of them throws is not the others' fault.
      this.leaveRest();
    }
  }

  private takesOne(): boolean {
    if (this.spent) return false;
    if (++this.writes % UNTIMED_WRITES !== 0) return true;
    if (this.writes === UNTIMED_WRITES) {
      this.startedAt = this.clock.now();
      // Only now, so that a turn with a single write does not pay for it. The first writes may be of earlier turns.
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

  private leaveRest(): void {
    const { due, done } = this;
    this.behind = done < due.length;
    // Copied, as with more and more to write it would never be empty.
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
