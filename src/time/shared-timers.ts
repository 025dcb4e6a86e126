import { AsyncResource } from 'node:async_hooks';
import type { Clock } from './clock.js';

/** Something that is due once, some time from now. */
export interface Timed {
  due(): void;
  /** Where the timers keep it; nobody else's business. */
  slot?: Set<Timed> | undefined;
}

/** How late something may be, where nobody says: so that what is due at about the same time shares a timer. */
const LATE_SHARE = 1 / 256;
const LATE_MS = 1000;
/** The next slot is looked for among this many moments, and then among all slots. */
const NEAR_SLOTS = 256;
/** As many run in one turn of the event loop; the others wait for the next. */
const RUNS_PER_TURN = 64;

/**
 * One timer for many waits. Ten thousand idle connections cost as many entries here and a few timers in all, and
 * those that are due together are spread over turns of the event loop.
 */
export class SharedTimers {
  private readonly wheels = new Map<number, Wheel>();
  /** Of no request: what is due would otherwise find the async context of whichever came first, and keep it. */
  private readonly scope = new AsyncResource('EventStreamTimers');

  constructor(readonly clock: Clock) {}

  /**
   * Has `entry` called after `delayMs`, at most `lateMs` later (1 at least; without, a 256th part of the delay, and a
   * second at most). It may wait for one moment at a time.
   */
  schedule(entry: Timed, delayMs: number, lateMs = Math.min(delayMs * LATE_SHARE, LATE_MS)): void {
    this.cancel(entry);
    // The power of two below.
    const grain = 2 ** Math.max(0, 31 - Math.clz32(lateMs));
    let wheel = this.wheels.get(grain);
    if (!wheel) this.wheels.set(grain, (wheel = new Wheel(grain, this.clock, this.scope)));
    wheel.add(entry, delayMs);
  }

  /** Forgets `entry`, if it waits. */
  cancel(entry: Timed): void {
    const slot = entry.slot as Slot | undefined;
    entry.slot = undefined;
    if (slot?.delete(entry) && slot.size === 0) slot.wheel.dropEmpty(slot);
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

/** What is due in one grain of a wheel. */
class Slot extends Set<Timed> {
  constructor(
    readonly wheel: Wheel,
    readonly number: number,
  ) {
    super();
  }
}

class Wheel {
  /** By number. None is empty, except the one whose entries are being called. */
  private readonly slots = new Map<number, Slot>();
  private running: Slot | undefined;
  private timer: unknown;
  /** How many more run in this turn. */
  private left = 0;
  private wakeAt = Infinity;
  private readonly run: () => void;

  constructor(
    private readonly grain: number,
    private readonly clock: Clock,
    scope: AsyncResource,
  ) {
    this.run = scope.bind(() => this.runDue());
  }

  add(entry: Timed, delayMs: number): void {
    const number = Math.ceil((this.clock.now() + delayMs) / this.grain);
    let slot = this.slots.get(number);
    if (!slot) this.slots.set(number, (slot = new Slot(this, number)));
    slot.add(entry);
    entry.slot = slot;
    if (number < this.wakeAt) this.wake(number);
  }

  get size(): number {
    let size = 0;
    for (const slot of this.slots.values()) size += slot.size;
    return size;
  }

  /** Forgets a slot that was cancelled empty. Far-off ones would otherwise add up until their time comes. */
  dropEmpty(slot: Slot): void {
    if (slot !== this.running) this.slots.delete(slot.number);
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
    this.timer = this.clock.schedule(this.run, Math.max(1, number * this.grain - this.clock.now()));
  }

  private runDue(): void {
    this.left = RUNS_PER_TURN;
    const now = Math.floor(this.clock.now() / this.grain);
    try {
      // One slot after the other, unless the clock has leapt over more than there are.
      if (now - this.wakeAt < this.slots.size) {
        for (let number = this.wakeAt; number <= now; number++) this.runSlot(number);
      } else {
        for (const number of this.slots.keys()) if (number <= now) this.runSlot(number);
      }
    } finally {
      this.goOn(now);
    }
  }

  private goOn(now: number): void {
    if (this.left < 0) return this.clock.defer(this.run);
    this.wakeAt = Infinity;
    if (this.slots.size > 0) this.wake(this.nextAfter(now));
  }

  private runSlot(number: number): void {
    const slot = this.slots.get(number);
    if (!slot || this.left < 0) return;
    // What is due may cancel the others, or add to the same slot.
    this.running = slot;
    try {
      for (const entry of slot) {
        if (--this.left < 0) return;
        slot.delete(entry);
        entry.slot = undefined;
        entry.due();
      }
    } finally {
      this.running = undefined;
      if (slot.size === 0) this.slots.delete(number);
    }
  }

  /** The first slot after `now`. */
  private nextAfter(now: number): number {
    if (this.slots.size > NEAR_SLOTS) {
      for (let number = now + 1; number <= now + NEAR_SLOTS; number++)
        if (this.slots.has(number)) return number;
    }
    let first = Infinity;
    for (const number of this.slots.keys()) if (number < first) first = number;
    return first;
  }
}
