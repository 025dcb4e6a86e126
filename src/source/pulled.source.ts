import type { Sink } from '../events/sink.js';
import { guard, isThenable, watchRejection } from '../errors/guard.js';
import type { Clock } from '../time/clock.js';
import { Source, type Demand, type Running } from './source.js';

/** An iterator that was started. `cancel` settles its pending `next()`, if `return()` alone does not. */
export interface Opened {
  iterator: AsyncIterator<unknown> | Iterator<unknown>;
  cancel?: () => unknown;
}

/** Callbacks for the time after a source was released. */
export interface Teardown {
  readonly clock: Clock;
  /** Milliseconds after the release until {@link onSlow} is called. `false` means never. */
  warnMs: number | false;
  /** Called once if the source is still running `warnMs` after its release. */
  onSlow(): void;
  /** Called once with an error that comes after the release, so that the stream cannot report it. Must not throw. */
  onLateError(error: unknown): void;
  /** Called with an error of a teardown function, before or after the release. Must not throw. */
  onTeardownError(error: unknown): void;
}

/** After this many values, a generator that never waits yields to the rest of the process. */
const VALUES_PER_TURN = 128;
/** The maximum number of values that are read and dropped from a `finally` block after the release. */
const MAX_TEARDOWN_VALUES = 100;

/** A source whose values are pulled one by one: a generator, an iterable, a Node stream or a web stream. */
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

  // An async function keeps the async context of the request across every wait, including the wait for the socket.
  async run(): Promise<void> {
    const { sink, demand } = this;
    let left = VALUES_PER_TURN;
    // Shows where an error comes from: from the iterator, which has then ended, or from the sink.
    let asking = true;
    try {
      const { iterator } = (this.opened = this.start());
      if (this.released) return void this.finish();
      for (;;) {
        asking = true;
        const step = iterator.next();
        const result = isThenable(step) ? await step : step;
        if (this.released) return this.drop(result);
        if (result.done === true) break;
        asking = false;
        const { value } = result;
        sink.next(isThenable(value) ? await value : value);
        if (this.released) return;
        if (!demand.ready) await demand.whenReady();
        // Waits for demand do not count as a turn: a body behind middleware can drain within the same turn.
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
    this.end(() => sink.complete());
  }

  /** Nobody awaits the loop, so an error that the sink throws at the end would be an unhandled rejection. */
  private end(call: () => void): void {
    guard(call, (error) => this.teardown.onLateError(error));
  }

  /** Drops a value after the release. If it is a promise, its rejection must not end the process. */
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
    this.end(() => this.sink.error(error));
  }

  unsubscribe(): void {
    if (this.released || this.ended) return;
    this.released = true;
    void this.finish();
  }

  // If a generator is suspended in an `await`, its `return()` waits for that. Nobody awaits this method, and a slow teardown is
  // reported. A `yield` in a `finally` block makes `return()` resolve with a value, so the rest is read and dropped.
  private async finish(): Promise<void> {
    const { opened, teardown } = this;
    if (!opened) return;
    const { iterator, cancel } = opened;
    const { clock, warnMs } = teardown;
    const warning = warnMs === false ? undefined : clock.schedule(() => teardown.onSlow(), warnMs);
    try {
      if (cancel) guard(cancel, (error) => teardown.onLateError(error));
      // Later than the caller: a running synchronous generator cannot be ended from within.
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

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
