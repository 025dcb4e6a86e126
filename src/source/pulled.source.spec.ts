import { ManualClock } from '../../test/fixtures/manual-clock.js';
import { PulledSource, type Teardown } from './pulled.source.js';
import type { Demand } from './source.js';

/** A sink that records its calls. */
class RecordingSink {
  readonly values: unknown[] = [];
  readonly errors: unknown[] = [];
  completed = 0;
  next(value: unknown): void {
    this.values.push(value);
  }
  error(error: unknown): void {
    this.errors.push(error);
  }
  complete(): void {
    this.completed++;
  }
}

/** Demand that the test switches on and off. */
class ManualDemand implements Demand {
  ready = true;
  ended = false;
  private waiting: (() => void)[] = [];
  whenReady(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }
  open(): void {
    this.ready = true;
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

class RecordingTeardown implements Teardown {
  readonly clock = new ManualClock();
  warnMs: number | false = 10_000;
  slow = 0;
  readonly late: unknown[] = [];
  onSlow(): void {
    this.slow++;
  }
  onLateError(error: unknown): void {
    this.late.push(error);
  }
  onTeardownError(error: unknown): void {
    this.late.push(error);
  }
}

function opened(
  source: AsyncIterable<unknown> | Iterable<unknown>,
  { sink = new RecordingSink(), demand = new ManualDemand() } = {},
) {
  const log = new RecordingTeardown();
  const start = (): AsyncIterator<unknown> | Iterator<unknown> =>
    Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  const pulled = new PulledSource(() => ({ iterator: start() }), log);
  const loop = pulled.open(sink, demand);
  return { sink, demand, log, release: () => loop.unsubscribe() };
}

/** Waits for 20 turns of the event loop. */
const turns = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
};

const never = (): Promise<never> => new Promise(() => undefined);

describe('a pulled source', () => {
  it('emits each value and the end', async () => {
    const { sink } = opened([1, undefined, 2]);
    await turns();
    expect(sink).toMatchObject({ values: [1, undefined, 2], errors: [], completed: 1 });
  });

  it('emits an error, and nothing after it', async () => {
    const error = new Error('broken');
    const { sink } = opened(
      (async function* () {
        yield 1;
        throw error;
      })(),
    );
    await turns();
    expect(sink).toMatchObject({ values: [1], errors: [error], completed: 0 });
  });

  it('is not pulled while there is no demand', async () => {
    let asked = 0;
    const demand = new ManualDemand();
    const { sink } = opened(
      (function* () {
        for (;;) {
          asked++;
          if (asked === 3) demand.ready = false;
          if (asked === 5) return;
          yield asked;
        }
      })(),
      { demand },
    );
    await turns();
    expect(asked).toBe(3);
    demand.open();
    await turns();
    expect(sink).toMatchObject({ values: [1, 2, 3, 4], completed: 1 });
  });

  it('yields to the rest of the process if it never waits', async () => {
    const { sink, release } = opened(
      (async function* () {
        for (;;) yield 1;
      })(),
    );
    await new Promise((resolve) => setImmediate(resolve));
    expect(sink.values.length).toBeLessThanOrEqual(256);
    await turns();
    expect(sink.values.length).toBeGreaterThan(256);
    release();
  });

  it('emits the error of an iterator that cannot be created', async () => {
    const error = new Error('locked');
    const sink = new RecordingSink();
    const fails = (): never => {
      throw error;
    };
    new PulledSource(fails, new RecordingTeardown()).open(sink, new ManualDemand()).unsubscribe();
    await turns();
    expect(sink).toMatchObject({ values: [], errors: [error], completed: 0 });
  });

  it('awaits values that are promises, and releases the source when one of them is rejected', async () => {
    let released = 0;
    const { sink } = opened(
      (function* () {
        try {
          yield Promise.resolve('a');
          yield Promise.reject(new Error('b'));
          yield 'c';
        } finally {
          released++;
        }
      })(),
    );
    await turns();
    expect(sink).toMatchObject({ values: ['a'], errors: [new Error('b')], completed: 0 });
    expect(released).toBe(1);
  });

  it('is released when the sink throws', async () => {
    let released = 0;
    const sink = new RecordingSink();
    sink.next = () => {
      throw new Error('sink');
    };
    opened(
      (async function* () {
        try {
          yield 1;
          yield 2;
        } finally {
          released++;
        }
      })(),
      { sink },
    );
    await turns();
    expect(sink.errors).toEqual([new Error('sink')]);
    expect(released).toBe(1);
  });
});

describe('a released source', () => {
  it('calls return() once, and emits nothing more', async () => {
    let released = 0;
    const { sink, release } = opened({
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise((resolve) => setImmediate(() => resolve({ done: false, value: 1 }))),
        return: () => {
          released++;
          return Promise.resolve({ done: true as const, value: undefined });
        },
      }),
    });
    await turns();
    release();
    const { length } = sink.values;
    release();
    await turns();
    expect(released).toBe(1);
    expect(sink.values).toHaveLength(length);
    expect(sink.completed).toBe(0);
  });

  it('does not call return() if it has already ended', async () => {
    let released = 0;
    const values = [1];
    const { release } = opened({
      [Symbol.iterator]: () => ({
        next: () => ({ done: values.length === 0, value: values.pop() as number }),
        return: () => {
          released++;
          return { done: true as const, value: undefined };
        },
      }),
    });
    await turns();
    release();
    await turns();
    expect(released).toBe(0);
  });

  it('works without return()', async () => {
    const { sink, release, log } = opened({ [Symbol.asyncIterator]: () => ({ next: never }) });
    await turns();
    release();
    await turns();
    expect(sink.completed).toBe(0);
    expect(log.late).toEqual([]);
  });

  it('drops the values that its finally block yields, so that the block finishes', async () => {
    const steps: string[] = [];
    const { sink, release } = opened(
      (async function* () {
        try {
          yield 'value';
          await never;
          for (;;) {
            await new Promise((resolve) => setImmediate(resolve));
            yield 'more';
          }
        } finally {
          steps.push('finally');
          yield 'goodbye 1';
          steps.push('between');
          yield 'goodbye 2';
          steps.push('finished');
        }
      })(),
    );
    await new Promise((resolve) => setImmediate(resolve));
    release();
    await turns();
    expect(steps).toEqual(['finally', 'between', 'finished']);
    expect(sink.values).not.toContain('goodbye 1');
    expect(sink.completed).toBe(0);
  });

  it('stops after 100 such values', async () => {
    let yielded = 0;
    const { release } = opened(
      (function* () {
        try {
          yield 'value';
        } finally {
          while (yielded < 1_000_000) {
            yielded++;
            yield yielded;
          }
        }
      })(),
      { demand: Object.assign(new ManualDemand(), { ready: false }) },
    );
    await turns();
    release();
    await turns();
    expect(yielded).toBe(101);
  });

  it('reports an error of its teardown once', async () => {
    const late = new Error('late');
    const { sink, release, log } = opened(
      (async function* () {
        try {
          yield 1;
          await new Promise((resolve) => setImmediate(resolve));
          yield 2;
        } finally {
          await Promise.reject(late);
        }
      })(),
    );
    release();
    await turns();
    expect(log.late).toEqual([late]);
    expect(sink.errors).toEqual([]);
  });

  it('reports the rejection of a pending next() once', async () => {
    const late = new Error('late');
    let fail!: (error: Error) => void;
    const { sink, release, log } = opened(
      (async function* () {
        await new Promise((_resolve, reject) => (fail = reject));
      })(),
    );
    await turns();
    release();
    fail(late);
    await turns();
    expect(log.late).toEqual([late]);
    expect(sink.errors).toEqual([]);
  });

  describe('that waits for a promise that never settles', () => {
    it('is reported once, after warnMs', async () => {
      const { release, log } = opened(
        (async function* () {
          await never();
        })(),
      );
      await turns();
      release();
      await turns();
      log.clock.advance(9_999);
      expect(log.slow).toBe(0);
      log.clock.advance(1);
      expect(log.slow).toBe(1);
      log.clock.advance(100_000);
      expect(log.slow).toBe(1);
    });

    it('is not reported if it ends in time, and leaves no timer', async () => {
      const { release, log } = opened(
        (async function* () {
          for (;;) {
            await new Promise((resolve) => setImmediate(resolve));
            yield 1;
          }
        })(),
      );
      await turns();
      release();
      await turns();
      expect(log.clock.size).toBe(0);
      expect(log.slow).toBe(0);
    });
  });
});

it('a source does not start its iterator before open()', async () => {
  let started = 0;
  let dropped = 0;
  const source = new PulledSource(
    () => {
      started++;
      return { iterator: [][Symbol.iterator]() };
    },
    new RecordingTeardown(),
    () => dropped++,
  );
  source.discard();
  await turns();
  expect([started, dropped]).toEqual([0, 1]);
});
