import { AsyncResource } from 'node:async_hooks';
import type { Clock } from './clock.js';

/** An object with one timer. */
export interface Timed {
  due(): void;
  /** Set by {@link SharedTimers} only: the bucket in which this object waits. */
  bucket?: Set<Timed> | undefined;
}

/** The default of `lateMs` is this share of the delay, and at most `LATE_MS`. */
const LATE_SHARE = 1 / 256;
const LATE_MS = 1000;
/** The next bucket is first searched among this many numbers, and then among all buckets. */
const NEAR_BUCKETS = 256;
/** The maximum number of calls in one turn of the event loop. The rest waits for the next turn. */
const CALLS_PER_TURN = 64;

/** How late a timer may be on purpose. */
export function usualLateMs(delayMs: number): number {
  return Math.min(delayMs * LATE_SHARE, LATE_MS);
}

/**
 * Timers that are late on purpose, so that objects that are due at about the same time share one timer of Node. Ten thousand
 * idle connections need ten thousand entries here, but only a few timers. Objects that are due together are called in several
 * turns of the event loop.
 */
export class SharedTimers {
  private readonly wheels = new Map<number, Wheel>();
  /** An async context that belongs to no request. Otherwise all callbacks would run in the context of the first request. */
  private readonly scope = new AsyncResource('EventStreamTimers');

  constructor(readonly clock: Clock) {}

  /**
   * Calls `entry.due()` after `delayMs`, at most `lateMs` later. An entry has one timer at a time, and a second call replaces
   * it.
   *
   * @param lateMs At least 1. @default 1/256 of the delay, and at most a second
   */
  schedule(entry: Timed, delayMs: number, lateMs = usualLateMs(delayMs)): void {
    this.cancel(entry);
    // The largest power of two up to `lateMs`.
    const grain = 2 ** Math.max(0, 31 - Math.clz32(lateMs));
    let wheel = this.wheels.get(grain);
    if (!wheel) this.wheels.set(grain, (wheel = new Wheel(grain, this.clock, this.scope)));
    wheel.add(entry, delayMs);
  }

  /** Cancels the timer of `entry`, if it has one. */
  cancel(entry: Timed): void {
    const bucket = entry.bucket as Bucket | undefined;
    entry.bucket = undefined;
    if (bucket?.delete(entry) && bucket.size === 0) bucket.wheel.removeEmpty(bucket);
  }

  /** The number of entries that wait. */
  get size(): number {
    let size = 0;
    for (const wheel of this.wheels.values()) size += wheel.size;
    return size;
  }

  /** Cancels all timers. */
  clear(): void {
    for (const wheel of this.wheels.values()) wheel.clear();
    this.wheels.clear();
  }
}

/** The entries that are due in one grain of a wheel. */
class Bucket extends Set<Timed> {
  constructor(
    readonly wheel: Wheel,
    readonly number: number,
  ) {
    super();
  }
}

/** A timer wheel: entries that may be late by the same time, in buckets of that length. */
class Wheel {
  /** By number. None is empty, except the one whose entries are being called. */
  private readonly buckets = new Map<number, Bucket>();
  private running: Bucket | undefined;
  private timer: unknown;
  /** How many more calls this turn of the event loop may make. */
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
    let bucket = this.buckets.get(number);
    if (!bucket) this.buckets.set(number, (bucket = new Bucket(this, number)));
    bucket.add(entry);
    entry.bucket = bucket;
    if (number < this.wakeAt) this.wake(number);
  }

  get size(): number {
    let size = 0;
    for (const bucket of this.buckets.values()) size += bucket.size;
    return size;
  }

  /** Removes a bucket that is empty after a cancellation. Otherwise empty buckets would accumulate until they are due. */
  removeEmpty(bucket: Bucket): void {
    if (bucket !== this.running) this.buckets.delete(bucket.number);
  }

  clear(): void {
    this.clock.cancel(this.timer);
    for (const bucket of this.buckets.values()) for (const entry of bucket) entry.bucket = undefined;
    this.buckets.clear();
    this.wakeAt = Infinity;
  }

  private wake(number: number): void {
    this.clock.cancel(this.timer);
    this.wakeAt = number;
    this.timer = this.clock.schedule(this.run, Math.max(1, number * this.grain - this.clock.now()));
  }

  private runDue(): void {
    this.left = CALLS_PER_TURN;
    const now = Math.floor(this.clock.now() / this.grain);
    try {
      // By number, or by bucket if the clock has skipped more numbers than there are buckets.
      if (now - this.wakeAt < this.buckets.size) {
        for (let number = this.wakeAt; number <= now; number++) this.runBucket(number);
      } else {
        for (const number of this.buckets.keys()) if (number <= now) this.runBucket(number);
      }
    } finally {
      this.scheduleNext(now);
    }
  }

  private scheduleNext(now: number): void {
    if (this.left < 0) return this.clock.defer(this.run);
    this.wakeAt = Infinity;
    if (this.buckets.size > 0) this.wake(this.nextAfter(now));
  }

  private runBucket(number: number): void {
    const bucket = this.buckets.get(number);
    if (!bucket || this.left < 0) return;
    // A callback may cancel other entries, or add entries to this bucket.
    this.running = bucket;
    try {
      for (const entry of bucket) {
        if (--this.left < 0) return;
        bucket.delete(entry);
        entry.bucket = undefined;
        entry.due();
      }
    } finally {
      this.running = undefined;
      if (bucket.size === 0) this.buckets.delete(number);
    }
  }

  /** The number of the first bucket after `now`. */
  private nextAfter(now: number): number {
    if (this.buckets.size > NEAR_BUCKETS) {
      for (let number = now + 1; number <= now + NEAR_BUCKETS; number++)
        if (this.buckets.has(number)) return number;
    }
    let first = Infinity;
    for (const number of this.buckets.keys()) if (number < first) first = number;
    return first;
  }
}
