import { systemClock, type Clock } from './clock.js';

/** The time is read once for this many calls. */
const UNTIMED_CALLS = 64;
/** The maximum number of calls in one turn of the event loop. */
const MAX_CALLS = 1024;
/** The maximum time for calls in one turn. With everything else that runs, a turn then stays below 20 ms. */
const MAX_MS = 4;

/**
 * Calls that are too many for one turn of the event loop, such as those of an event for many thousand connections. Calls that do
 * not fit into a turn wait for the next one, so the process is not blocked. The order is first in, first out.
 */
export class Slices<Item> {
  private due: Item[] = [];
  /** How many of `due` were called. */
  private done = 0;
  /** True while the rest of `due` waits for another turn. New calls must then wait behind it. */
  private behind = false;
  /** True if this turn has no room left. */
  private spent = false;
  /** True while everything must be called in one turn. */
  private finishing = false;
  private calls = 0;
  private startedAt = 0;

  constructor(
    private readonly clock: Clock,
    private readonly call: (item: Item) => void,
  ) {}

  /** Calls with `item` after the code that runs now. */
  add(item: Item): void {
    if (this.due.push(item) === 1) process.nextTick(runSlices, this);
  }

  /** Counts a call that is made immediately. `false` if this turn has no room for it: then call {@link add}. */
  admits(): boolean {
    return !this.behind && this.hasRoom();
  }

  /** Counts one more step of a call. `false` if this turn has no room for it: then call {@link add} to continue. */
  hasRoom(): boolean {
    return this.finishing || this.count();
  }

  /** Makes all calls that wait, in this turn. */
  finish(): void {
    if (this.finishing) return;
    this.finishing = true;
    this.behind = false;
    try {
      this.run();
    } finally {
      this.finishing = false;
    }
  }

  /** @internal */
  run(): void {
    const { due } = this;
    try {
      // The list is another one if a call has called finish(), and that has thrown.
      while (due === this.due && this.done < due.length && this.hasRoom())
        this.call(due[this.done++] as Item);
    } finally {
      // If one of them throws, the others are still called.
      this.scheduleRest(due);
    }
  }

  private count(): boolean {
    if (this.spent) return false;
    if (++this.calls % UNTIMED_CALLS !== 0) return true;
    if (this.calls === UNTIMED_CALLS) {
      this.startedAt = this.clock.now();
      // Scheduled only now, so that turns with few calls pay nothing. The counted calls can thus be of several turns.
      this.clock.defer(() => this.beginTurn());
      return true;
    }
    this.spent = this.calls > MAX_CALLS || this.clock.now() - this.startedAt >= MAX_MS;
    return !this.spent;
  }

  private beginTurn(): void {
    this.calls = 0;
    this.spent = false;
  }

  private scheduleRest(due: Item[]): void {
    // The rest was scheduled by finish(), which has thrown.
    if (due !== this.due) return;
    const { done } = this;
    this.behind = done < due.length;
    // Copied, because under constant load the array would never become empty and would grow forever.
    this.due = this.behind ? due.slice(done) : due;
    this.done = 0;
    if (!this.behind) due.length = 0;
    else if (this.spent) this.clock.defer(() => this.run());
    else process.nextTick(runSlices, this);
  }
}

function runSlices(slices: Slices<unknown>): void {
  slices.run();
}

/** An object that may have something to deliver. */
export interface Deliverer {
  wake(): void;
  /** A call of {@link wake} has thrown. */
  fail(error: unknown): void;
}

/**
 * Deliveries of published events in this process, which all feeds share, because they share the event loop. Before a connection is
 * closed on purpose, they are finished: its client must get an event that others have received already.
 */
export const deliveries = new Slices<Deliverer>(systemClock, (item) => {
  try {
    item.wake();
  } catch (error) {
    item.fail(error);
  }
});
