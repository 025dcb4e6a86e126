import type { Sink } from '../events/sink.js';
import { guard, watchRejection } from '../errors/guard.js';
import type { Clock } from '../time/clock.js';
import { Source, type Demand, type Running } from './source.js';

/** An iterator, and how to make its pending `next()` settle where `return()` alone does not. */
export interface Opened {
  iterator: AsyncIterator<unknown> | Iterator<unknown>;
  cancel?: () => unknown;
}

/** What becomes of a source after its consumer has gone. */
export interface Teardown {
  readonly clock: Clock;
  /** Called once if the source is still running `warnMs` after its release. `false`: never. */
  warnMs: number | false;
  onSlow(): void;
  /** Called once with an error that came too late for anybody to hear. Must not throw. */
  onLateError(error: unknown): void;
  /** Called with an error of a teardown function, which is an error at any time. Must not throw. */
  onTeardownError(error: unknown): void;
}

/** A generator that yields without ever waiting lets the rest of the process run after so many values. */
const VALUES_PER_TURN = 128;
/** As many values of a `finally` block are taken (and dropped) after the consumer has gone. */
const MAX_TEARDOWN_VALUES = 100;

/** Values that are asked for one by one: generators, iterables, Node and web streams. */
export class PulledSource extends Source {
  readonly pulled = true;

  constructor(
    private readonly start: () => Opened,
    private readonly teardown: Teardown,
    private readonly drop?: () => unknown,
  ) {
    super();
  }

  open(sink: Sink<unknown>, demand: Demand): Running {
    const loop = new PullLoop(this.start, sink, demand, this.teardown);
    void loop.run();
    return loop;
  }

  override discard(): void {
    guard(
      () => this.drop?.(),
      (error) => this.teardown.onTeardownError(error),
    );
  }
}

class PullLoop implements Running {
  private opened: Opened | undefined;
  private ended = false;
  private released = false;

  constructor(
    private readonly start: () => Opened,
    private readonly sink: Sink<unknown>,
    private readonly demand: Demand,
    private readonly teardown: Teardown,
  ) {}

  // An async function, so that the request's async context is kept over every wait, also one for the socket.
  async run(): Promise<void> {
    const { sink, demand } = this;
    let left = VALUES_PER_TURN;
    // Whether an error is the iterator's own, which has then ended, or one of those who take its values.
    let asking = true;
    try {
      const { iterator } = (this.opened = this.start());
      if (this.released) return void this.finish();
      for (;;) {
        asking = true;
        const step = iterator.next();
        const result = isPromiseLike(step) ? await step : step;
        if (this.released) return this.drop(result);
        if (result.done === true) break;
        asking = false;
        const { value } = result;
        sink.next(isPromiseLike(value) ? await value : value);
        if (this.released) return;
        if (!demand.ready) await demand.whenReady();
        // Also after a wait: a body that is behind middleware may drain before the loop has turned.
        if (--left === 0) {
          await nextTurn();
          left = VALUES_PER_TURN;
        }
        if (this.released) return;
      }
    } catch (error) {
      this.failed(error, asking);
      return;
    }
    this.ended = true;
    this.tell(() => sink.complete());
  }

  /** Nobody waits for the loop: what the consumer throws at the end has nowhere else to go. */
  private tell(end: () => void): void {
    guard(end, (error) => this.teardown.onLateError(error));
  }

  /** A value that nobody takes any more. A rejected promise of it must not end the process. */
  private drop({ value }: IteratorResult<unknown>): void {
    watchRejection(value, (error) => this.teardown.onLateError(error));
  }

  private failed(error: unknown, asking: boolean): void {
    if (this.released) {
      this.ended = true;
      if (!this.opened?.cancel) this.teardown.onLateError(error);
      return;
    }
    if (asking) this.ended = true;
    else this.unsubscribe();
    this.tell(() => this.sink.error(error));
  }

  unsubscribe(): void {
    if (this.released || this.ended) return;
    this.released = true;
    void this.finish();
  }

  // `return()` on a generator that is parked in an await waits for that await: nobody waits for it here, but it is
  // told when it takes long. A `yield` in a `finally` block answers `return()` with a value: those are drained.
  private async finish(): Promise<void> {
    const { opened, teardown } = this;
    if (!opened) return;
    const { iterator, cancel } = opened;
    const { clock, warnMs } = teardown;
    const warning = warnMs === false ? undefined : clock.schedule(() => teardown.onSlow(), warnMs);
    try {
      if (cancel) guard(cancel, (error) => teardown.onLateError(error));
      // Not in the caller's turn: a synchronous generator cannot be ended from within itself.
      await undefined;
      let result = await iterator.return?.();
      for (let i = 0; result?.done === false && i < MAX_TEARDOWN_VALUES; i++) {
        this.drop(result);
        result = await iterator.next();
      }
    } catch (error) {
      if (!this.ended && !cancel) teardown.onLateError(error);
    } finally {
      if (warning !== undefined) clock.cancel(warning);
    }
  }
}

function isPromiseLike<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && typeof (value as PromiseLike<T>).then === 'function';
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
