import { comment, event } from '../../events/sse-event.js';
import { channelKey } from '../../log/cursor.js';
import type { ReadLimit } from '../../log/event-log.js';
import type { Deliverable } from '../../log/log-entry.js';
import { toRecord } from '../../log/log-record.js';
import { StateDelivery } from './state-delivery.js';

const turn = () => new Promise(setImmediate);
const NO_LIMIT: ReadLimit = { events: Infinity, bytes: Infinity };

function deliveryOf(
  values: unknown,
  limit = NO_LIMIT,
  recorded: unknown[] = [],
  failures: unknown[] = [],
): StateDelivery {
  return new StateDelivery({
    key: channelKey('a'),
    values,
    id: 'the-id',
    limit,
    record: (value) => {
      recorded.push(value);
      return toRecord(value, undefined);
    },
    teardownFailed: (error) => failures.push(error),
  });
}

const text = (batch: readonly Deliverable[]) => batch.map(({ frame }) => frame).join('');

/** The text of each batch, the last of which has the id. */
async function delivered(delivery: StateDelivery): Promise<string[]> {
  const batches: string[] = [];
  for (;;) {
    const given = delivery.next();
    if (given === undefined) return [...batches, text(delivery.last())];
    if (given instanceof Promise) await given;
    else batches.push(text(given));
  }
}

/** An async iterator whose answers the test gives. */
class ManualIterator implements AsyncIterableIterator<unknown> {
  /** The number of calls of `next()` without an answer. */
  asked = 0;
  returned = 0;
  private settle: ((result: IteratorResult<unknown> | Promise<never>) => void) | undefined;

  next(): Promise<IteratorResult<unknown>> {
    this.asked++;
    return new Promise((resolve) => (this.settle = resolve));
  }
  return(): Promise<IteratorResult<unknown>> {
    this.returned++;
    return Promise.resolve({ value: undefined, done: true });
  }
  [Symbol.asyncIterator](): this {
    return this;
  }
  async give(...results: (IteratorResult<unknown> | Promise<never>)[]): Promise<void> {
    for (const result of results) {
      this.asked--;
      this.settle?.(result);
      await turn();
    }
  }
}
const yielded = (value: unknown) => ({ value, done: false });
const end = { value: undefined, done: true };

describe('the events of a state', () => {
  it('have no ids except the last one, not even their own', async () => {
    const state = [event({ id: 'own', type: 't', data: 1 }), 'two', event({ id: 'own', data: 3 })];
    expect(await delivered(deliveryOf(state))).toEqual([
      'event: t\ndata: 1\n\ndata: two\n\nid: the-id\ndata: 3\n\n',
    ]);
    const [first] = deliveryOf(state, { events: 1, bytes: Infinity }).next() as readonly Deliverable[];
    expect(first?.toEvent(JSON.parse)).toMatchObject({ type: 't', id: undefined, data: 1 });
  });

  it('end with a block that has only the id if the last event cannot have one', async () => {
    const delivery = deliveryOf(['one', comment('note')]);
    expect(delivery.next()).toBeUndefined();
    const last = delivery.last();
    expect(text(last)).toBe('data: one\n\n: note\nid: the-id\n\n');
    expect(last.map(({ bytes }) => bytes)).toEqual(last.map(({ frame }) => frame.length));
    expect(last[2]?.toEvent(JSON.parse)).toMatchObject({ id: 'the-id', data: undefined });
  });

  it('are empty without a value', async () => {
    for (const values of [undefined, [], [undefined], async function* () {}.call(undefined)]) {
      expect(await delivered(deliveryOf(values))).toEqual(['']);
    }
  });

  it('come in batches of at most the given number of events', async () => {
    const batches = await delivered(deliveryOf([1, 2, 3, 4, 5, 6], { events: 2, bytes: Infinity }));
    expect(batches).toEqual([
      'data: 1\n\ndata: 2\n\n',
      'data: 3\n\ndata: 4\n\n',
      'data: 5\n\nid: the-id\ndata: 6\n\n',
    ]);
  });

  it.each([
    [18, [2, 2, 2]],
    [19, [3, 3]],
    [Infinity, [6]],
  ])('come in batches that end at the event that reaches %p bytes', async (bytes, counts) => {
    const batches = await delivered(deliveryOf([1, 2, 3, 4, 5, 6], { events: Infinity, bytes }));
    expect(batches.map((batch) => batch.match(/data/g)?.length)).toEqual(counts);
  });

  it('are delivered while the source is waited for, which is asked for one value at a time', async () => {
    const source = new ManualIterator();
    const delivery = deliveryOf(source);
    const waits = delivery.next();
    expect([waits, delivery.next() === waits, source.asked]).toEqual([expect.any(Promise), true, 1]);
    await source.give(yielded('one'));
    expect([delivery.next(), source.asked]).toEqual([expect.any(Promise), 1]);
    await source.give(yielded('two'));
    expect(text(delivery.next() as readonly Deliverable[])).toBe('data: one\n\n');
    expect([delivery.next(), source.asked]).toEqual([expect.any(Promise), 1]);
    await source.give(end);
    expect(delivery.next()).toBeUndefined();
    expect(text(delivery.last())).toBe('id: the-id\ndata: two\n\n');
  });

  it('that came before an error of the source are delivered before it', async () => {
    const source = new ManualIterator();
    const delivery = deliveryOf(source);
    void delivery.next();
    await source.give(yielded('one'));
    void delivery.next();
    await source.give(yielded('two'));
    expect(text(delivery.next() as readonly Deliverable[])).toBe('data: one\n\n');
    await source.give(Promise.reject(new Error('broken')));
    await expect(delivery.next()).rejects.toThrow('broken');
  });
});

describe('closing the delivery of a state', () => {
  it('returns the iterator once, and takes no value that arrives later', async () => {
    const source = new ManualIterator();
    const recorded: unknown[] = [];
    const delivery = deliveryOf(source, NO_LIMIT, recorded);
    const waits = delivery.next();
    delivery.close();
    delivery.close();
    await source.give(yielded('late'));
    await waits;
    expect([delivery.next(), delivery.last(), recorded, source.returned]).toEqual([undefined, [], [], 1]);
  });

  it('does not return an iterator that has ended', async () => {
    const source = new ManualIterator();
    const delivery = deliveryOf(source);
    void delivery.next();
    await source.give(end);
    expect(delivery.next()).toBeUndefined();
    delivery.close();
    expect(source.returned).toBe(0);
  });

  it.each([
    ['cannot be returned', {}, []],
    ['throws', { return: () => thrown() }, [new Error('return')]],
    ['rejects', { return: () => Promise.reject(new Error('return')) }, [new Error('return')]],
  ])('does not throw, and reports the error of an iterator that %s', async (_how, methods, expected) => {
    const failures: unknown[] = [];
    let left = 3;
    const next = () => ({ value: left, done: left-- === 0 });
    const delivery = deliveryOf(
      { [Symbol.iterator]: () => ({ next, ...methods }) },
      { events: 1, bytes: Infinity },
      [],
      failures,
    );
    expect(text(delivery.next() as readonly Deliverable[])).toBe('data: 3\n\n');
    expect(() => delivery.close()).not.toThrow();
    await turn();
    expect([delivery.next(), failures]).toEqual([undefined, expected]);
  });
});

function thrown(): never {
  throw new Error('return');
}
