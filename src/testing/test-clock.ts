import { AsyncResource } from 'node:async_hooks';
import { SseError, quoted } from '../errors/sse.errors.js';
import type { Clock } from '../time/clock.js';
import { realTime } from './real-time.js';

interface Timer {
  readonly run: () => void;
  readonly dueMs: number;
  /** The timer of Node, after the application began to close. */
  handle?: NodeJS.Timeout;
}

/**
 * Turns of the event loop between two timers: enough for a write to reach the client, and for what the client does then to reach the
 * server, through sockets of this process.
 */
const TURNS = 8;

/**
 * The time of an application under test: heartbeats, timeouts, limits of time and leases. It passes only when the test advances it.
 * Sockets, files and the timers of the application itself use real time. Use one clock for each application.
 *
 * @example
 * const clock = new TestClock();
 * const module = await Test.createTestingModule({ imports: [AppModule] })
 *   .overrideProvider(SSE_CLOCK)
 *   .useValue(clock)
 *   .compile();
 * // …
 * await clock.advance(15_000);
 */
export class TestClock implements Clock {
  private timeMs = 0;
  private readonly wallMs = realTime.wallNow();
  private readonly timers = new Set<Timer>();
  private used = false;
  /** The real time from which this clock follows the system clock. */
  private followsFrom: number | undefined;
  /** Settles when the last call of `advance()` has. */
  private advancing: Promise<void> = Promise.resolve();

  /**
   * Advances the time, and runs what becomes due, in its order. Between two timers, and at the end, the event loop turns a few times. So
   * what a timer sends has reached the client when this resolves, unless it waits for other I/O.
   *
   * @throws {SseError} `SSE_INVALID_OPTIONS` for a time that is not 0 or more, and if no application uses this clock
   */
  advance(ms: number): Promise<void> {
    const advanced = this.advancing.then(() => this.pass(ms));
    this.advancing = advanced.catch(() => undefined);
    return advanced;
  }

  private async pass(ms: number): Promise<void> {
    this.check(ms);
    const end = this.timeMs + ms;
    // A response that is on its way may be about to set a timer.
    await realTime.turns(TURNS);
    for (let next = this.nextUntil(end); next; next = this.nextUntil(end)) {
      this.timers.delete(next);
      this.timeMs = Math.max(this.timeMs, next.dueMs);
      next.run();
      await realTime.turns(TURNS);
      if (this.followsFrom !== undefined) return;
    }
    this.timeMs = end;
  }

  private check(ms: number): void {
    if (typeof ms !== 'number' || !(ms >= 0) || ms === Infinity) {
      throw unusable(`A clock cannot advance by ${quoted(ms)}.`, 'Pass a number of milliseconds, 0 or more.');
    }
    if (this.followsFrom !== undefined) {
      throw unusable(
        'The application of this clock is closed.',
        'Make a new TestClock for each application.',
      );
    }
    if (!this.used) {
      throw unusable(
        'No application uses this clock.',
        'Replace the clock of the module: builder.overrideProvider(SSE_CLOCK).useValue(clock).',
      );
    }
  }

  private nextUntil(endMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.timers) {
      if (timer.dueMs <= endMs && (!next || timer.dueMs < next.dueMs)) next = timer;
    }
    return next;
  }

  /** Milliseconds that were advanced. */
  now(): number {
    this.used = true;
    return this.timeMs + (this.followsFrom === undefined ? 0 : realTime.now() - this.followsFrom);
  }

  /** Milliseconds since 1970: the time at which this clock was made, and what was advanced. */
  wallNow(): number {
    return this.wallMs + this.now();
  }

  /** @internal */
  schedule(run: () => void, ms: number): unknown {
    // As with the timers of Node, in the async context of the caller.
    const timer: Timer = { run: AsyncResource.bind(run), dueMs: this.now() + Math.max(0, ms) };
    this.timers.add(timer);
    if (this.followsFrom !== undefined) this.start(timer);
    return timer;
  }

  /** @internal */
  cancel(handle: unknown): void {
    const timer = handle as Timer | undefined;
    if (!timer || !this.timers.delete(timer)) return;
    realTime.clearTimeout(timer.handle);
  }

  /** @internal */
  defer(run: () => void): void {
    realTime.setImmediate(run);
  }

  /** @internal Called when the application closes: from then on, time passes by itself. */
  follow(): void {
    if (this.followsFrom !== undefined) return;
    this.followsFrom = realTime.now();
    for (const timer of this.timers) this.start(timer);
  }

  private start(timer: Timer): void {
    const due = (): void => {
      this.timers.delete(timer);
      timer.run();
    };
    timer.handle = realTime.setTimeout(due, timer.dueMs - this.now()).unref();
  }
}

function unusable(what: string, remedy: string): SseError {
  return new SseError('SSE_INVALID_OPTIONS', `TestClock: ${what}`, { remedy });
}
