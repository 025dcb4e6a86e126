import type { Clock } from './clock.js';

/** Something that is due once, some time from now. */
export interface Timed {
  due(): void;
  /** Where the timers keep it; nobody else's business. */
  slot?: Set<Timed> | undefined;
}

/** A delay is rounded up by at most its 256th part, so that what is due at about the same time shares a timer. */
const SLOTS_PER_DELAY = 256;
/** As many run in one turn of the event loop; the others wait for the next. */
const RUNS_PER_TURN = 64;

/**
 * One timer for many waits. Ten thousand idle connections cost as many entries here and a few timers in all, and
 * those that are due together are spread over turns of the event loop.
 */
export class SharedTimers {
  private readonly wheels = new Map<number, Wheel>();

  constructor(readonly clock: Clock) {}

  /** Has `entry` called after `delayMs`. It may wait for one moment at a time. */
  schedule(entry: Timed, delayMs: number): void {
    this.cancel(entry);
    const grain = 2 ** Math.max(0, Math.floor(Math.log2(delayMs / SLOTS_PER_DELAY)));
    let wheel = this.wheels.get(grain);
    if (!wheel) this.wheels.set(grain, (wheel = new Wheel(grain, this.clock)));
    wheel.add(entry, delayMs);
  }

  /** Forgets `entry`, if it waits. */
  cancel(entry: Timed): void {
    entry.slot?.delete(entry);
    entry.slot = undefined;
  }

  /** How many entries wait. */
  get size(): number {
    let size = 0;
    for (const wheel of this.wheels.values()) size += wheel.size;
    return size;
  }

  /** Forgets everything, and the timers behind it. */
  clear(): void {
    for (const wheel of this.wheels.values()) wheel.clear();
    this.wheels.clear();
  }
}

class Wheel {
  /** What is due, by the number of the grain in which it is. */
  private readonly slots = new Map<number, Set<Timed>>();
  private timer: unknown;
  private wakeAt = Infinity;

  constructor(
    private readonly grain: number,
    private readonly clock: Clock,
  ) {}

  add(entry: Timed, delayMs: number): void {
    const number = Math.ceil((this.clock.now() + delayMs) / this.grain);
    let slot = this.slots.get(number);
    if (!slot) this.slots.set(number, (slot = new Set()));
    slot.add(entry);
    entry.slot = slot;
    if (number < this.wakeAt) this.wake(number);
  }

  get size(): number {
    let size = 0;
    for (const slot of this.slots.values()) size += slot.size;
    return size;
  }

  clear(): void {
    this.clock.cancel(this.timer);
    for (const slot of this.slots.values()) for (const entry of slot) entry.slot = undefined;
    this.slots.clear();
    this.wakeAt = Infinity;
  }

  private wake(number: number): void {
    this.clock.cancel(this.timer);
    this.wakeAt = number;
    this.timer = this.clock.schedule(() => this.run(), Math.max(1, number * this.grain - this.clock.now()));
  }

  private run(): void {
    let left = RUNS_PER_TURN;
    const now = Math.floor(this.clock.now() / this.grain);
    let next = Infinity;
    for (const [number, slot] of this.slots) {
      if (slot.size > 0 && number <= now) {
        for (const entry of slot) {
          if (left-- === 0) return this.clock.defer(() => this.run());
          slot.delete(entry);
          entry.slot = undefined;
          entry.due();
        }
      }
      if (slot.size === 0) this.slots.delete(number);
      else next = Math.min(next, number);
    }
    this.wakeAt = Infinity;
    if (next < Infinity) this.wake(next);
  }
}
