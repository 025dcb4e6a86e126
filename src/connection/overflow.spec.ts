import { event } from '../events/sse-event.js';
import { OverflowQueue } from './overflow.js';
import type { OverflowOptions } from './slow-client.options.js';
import { OverflowBudget } from './overflow-budget.js';
import { ManualClock } from '../../test/fixtures/manual-clock.js';

/** The counted memory of an event with this many ASCII characters. */
const used = (characters: number): number => 128 + characters;
/** The counted memory of a key with one character. */
const KEY = 113;
/** Room for five events of 20 characters. */
const ROOM = 5 * used(20);

/** A block of exactly this many bytes. */
const block = (name: string, bytes = 20): string => name.padEnd(bytes, '.');
const some = event({ data: '' });

/** A manual event loop. */
class Turns extends ManualClock {
  private due: (() => void)[] = [];
  override defer(run: () => void): void {
    this.due.push(run);
  }
  /** Begins the next turn: runs callbacks until none is due. */
  next(): void {
    while (this.due.length > 0) for (const run of this.due.splice(0)) run();
  }
}
let turns: Turns;
let budget: OverflowBudget;
let evicted: OverflowQueue[];
beforeEach(() => {
  turns = new Turns();
  budget = new OverflowBudget(turns, 1_000_000_000);
  evicted = [];
});

function queueOf(options: OverflowOptions): OverflowQueue {
  const limits = { maxBytes: ROOM, policy: 'disconnect', report: false, ...options } as const;
  const queue: OverflowQueue = new OverflowQueue(limits, budget, () => evicted.push(queue));
  return queue;
}

/** Adds events of 20 characters, each in a turn of its own. */
function add(queue: OverflowQueue, names: string): (string | undefined)[] {
  return [...names].map((name) => {
    turns.next();
    return queue.add(block(name), some);
  });
}

function filled(options: OverflowOptions, names: string): OverflowQueue {
  const queue = queueOf(options);
  add(queue, names);
  return queue;
}

const taken = (queue: OverflowQueue): string => queue.take(Infinity).replaceAll('.', '');

describe('the queued events of a slow client', () => {
  describe('with the policy "disconnect"', () => {
    it('keep their order, and may use exactly maxBytes', () => {
      const queue = queueOf({});
      expect(add(queue, 'abcde')).toEqual(Array(5).fill(undefined));
      expect(queue.bytes).toBe(ROOM);
      expect(taken(queue)).toBe('abcde');
      expect(queue.bytes).toBe(0);
    });

    it('end the connection when they exceed maxBytes, and none is dropped silently', () => {
      const queue = filled({}, 'abcde');
      // The first event beyond the limit counts as a burst, which may exceed the limit once.
      expect(add(queue, 'fg')).toEqual([undefined, 'overflow.maxBytes']);
      expect(queue.dropped).toBe(0);
      expect(queue.bytes).toBe(6 * used(20));
    });

    it('of one turn may exceed the limit, because the client had no chance to read them', () => {
      const queue = filled({}, 'abc');
      turns.next();
      for (const name of 'defghijklm') expect(queue.add(block(name), some)).toBeUndefined();
      expect(taken(queue)).toBe('abcdefghijklm');
    });

    it('of a burst do not count toward the limit of later events, until the client has read the burst', () => {
      const queue = queueOf({});
      for (const name of 'ABCDEFGHIJ') expect(queue.add(block(name), some)).toBeUndefined();
      expect(add(queue, 'abcdef')).toEqual([...Array(5).fill(undefined), 'overflow.maxBytes']);
      expect(queue.take(9 * 20)).toHaveLength(9 * 20);
      expect(add(queue, 'f')).toEqual(['overflow.maxBytes']);
      expect(queue.take(20)).toBe(block('J'));
      expect(queue.take(20)).toBe(block('a'));
      expect(add(queue, 'g')).toEqual([undefined]);
      expect(taken(queue)).toBe('bcdeg');
    });

    it('of a second burst count while events of the first wait', () => {
      const queue = queueOf({});
      for (const name of 'ABCDEFGHIJ') queue.add(block(name), some);
      turns.next();
      const second = [...'abcdef'].map((name) => queue.add(block(name), some));
      expect(second).toEqual([...Array(5).fill(undefined), 'overflow.maxBytes']);
    });

    it('of a second burst do not count once the first was read', () => {
      const queue = queueOf({});
      for (const name of 'ABCDEFGHIJ') queue.add(block(name), some);
      queue.take(Infinity);
      turns.next();
      for (const name of 'abcdefghij') expect(queue.add(block(name), some)).toBeUndefined();
      expect(add(queue, 'k')).toEqual([undefined]);
    });

    it('of one burst may use a quarter of the budget of the process', () => {
      budget = new OverflowBudget(turns, 80 * used(20));
      const queue = queueOf({});
      for (let i = 0; i < 20; i++) expect(queue.add(block('a'), some)).toBeUndefined();
      expect(queue.add(block('b'), some)).toBe('maxQueuedBytes');
    });

    it('are a burst if one event alone is larger than the limit', () => {
      const queue = queueOf({});
      expect(queue.add(block('L', ROOM), some)).toBeUndefined();
      turns.next();
      expect(queue.add(block('M', ROOM), some)).toBe('overflow.maxBytes');
    });
  });

  it('with "drop-oldest" make room for newer ones, in order', () => {
    const queue = filled({ policy: 'drop-oldest' }, 'abcdefg');
    expect(queue.bytes).toBe(ROOM);
    expect(queue.dropped).toBe(2);
    expect(taken(queue)).toBe('cdefg');
  });

  it('with "drop-oldest" are dropped only as far as a large event needs', () => {
    const queue = filled({ policy: 'drop-oldest' }, 'abcde');
    queue.add(block('F', 20 + 2 * used(20)), some);
    expect(queue.dropped).toBe(3);
    expect(taken(queue)).toBe('deF');
  });

  it('with "drop-newest" stay, and newer ones are dropped', () => {
    const queue = filled({ policy: 'drop-newest' }, 'abcdefg');
    expect(queue.dropped).toBe(2);
    expect(taken(queue)).toBe('abcde');
  });

  it('with "drop-newest" accept a small event after a large one did not fit', () => {
    const queue = filled({ policy: 'drop-newest' }, 'abcd');
    queue.add(block('L', 21), some);
    queue.add(block('s', 20), some);
    expect(taken(queue)).toBe('abcds');
    expect(queue.dropped).toBe(1);
  });

  describe('with "coalesce"', () => {
    const coalesce = { coalesce: ({ type }: { type: string | undefined }) => type };
    const maxBytes = 5 * (used(20) + KEY);
    const quote = (type: string | undefined) => event({ type, data: '' });

    it('keep the newest event of each key, at its own position', () => {
      const queue = queueOf({ policy: coalesce, maxBytes });
      for (const name of ['A1', 'B1', 'A2', 'C1', 'A3', 'B2']) queue.add(block(name), quote(name[0]));
      expect(queue.bytes).toBe(3 * (used(20) + KEY));
      expect(queue.dropped).toBe(3);
      expect(taken(queue)).toBe('C1A3B2');
    });

    it('keep all events without a key', () => {
      const queue = queueOf({ policy: coalesce });
      for (const name of ['A1', '-1', 'A2', '-2'])
        queue.add(block(name), quote(name[0] === '-' ? undefined : name[0]));
      expect(taken(queue)).toBe('-1A2-2');
    });

    it('drop the oldest if that is not enough', () => {
      const queue = queueOf({ policy: coalesce, maxBytes });
      for (const name of ['A1', 'B1', 'C1', 'D1', 'E1', 'B2', 'F1']) queue.add(block(name), quote(name[0]));
      expect(queue.bytes).toBe(maxBytes);
      expect(taken(queue)).toBe('C1D1E1B2F1');
    });

    it('use no more memory after a million replacements', () => {
      const queue = queueOf({ policy: coalesce });
      for (let i = 0; i < 1_000_000; i++) queue.add('data: 1\n\n', quote(i % 2 === 0 ? 'A' : 'B'));
      expect(queue.bytes).toBe(2 * (used(9) + KEY));
      expect(budget.bytes).toBe(queue.bytes);
      expect(queue.take(Infinity)).toBe('data: 1\n\n'.repeat(2));
    });

    it('forget a key once its event was sent', () => {
      const queue = queueOf({ policy: coalesce });
      queue.add(block('A1'), quote('A'));
      expect(taken(queue)).toBe('A1');
      queue.add(block('A2'), quote('A'));
      expect(taken(queue)).toBe('A2');
      expect(queue.dropped).toBe(0);
    });

    it('do not change if coalesce() throws', () => {
      const queue = queueOf({
        policy: {
          coalesce: () => {
            throw new Error('no key');
          },
        },
      });
      expect(() => queue.add(block('A1'), some)).toThrow('no key');
      expect(queue.bytes).toBe(0);
    });
  });

  it('count the memory besides their text, so that the limit also holds for tiny events', () => {
    const queue = queueOf({ policy: 'drop-oldest', maxBytes: 6 * used(1) });
    for (let i = 0; i < 1000; i++) queue.add('\n', some);
    expect(queue.bytes).toBe(6 * used(1));
    expect(queue.take(Infinity)).toBe('\n'.repeat(6));
    expect(queue.dropped).toBe(994);
  });

  it('count two bytes per character if the text is not ASCII, as V8 stores it', () => {
    const queue = queueOf({ policy: 'drop-newest', maxBytes: used(2 * 33) });
    queue.add('二'.repeat(33), some);
    expect(queue.bytes).toBe(used(66));
    expect(queue.dropped).toBe(0);
    queue.add('', some);
    expect(queue.dropped).toBe(1);
  });

  it.each(['drop-oldest', 'drop-newest', { coalesce: () => 'k' }] as const)(
    'are not dropped for an event that is larger than the limit (%j)',
    (policy) => {
      const queue = queueOf({ policy });
      queue.add(block('a'), some);
      expect(queue.add(block('L', ROOM), some)).toBeUndefined();
      expect(queue.dropped).toBe(1);
      expect(taken(queue)).toBe('a');
    },
  );

  it('are taken in pieces of about the requested length', () => {
    const queue = filled({}, 'abcde');
    expect(queue.take(30)).toBe(block('a') + block('b'));
    queue.add(block('f'), some);
    expect(taken(queue)).toBe('cdef');
    expect(queue.take(30)).toBe('');
  });

  it('accept an unlimited block beyond the limit', () => {
    const queue = filled({ policy: 'drop-newest' }, 'abcde');
    queue.addUnlimited(block('z'));
    expect(queue.bytes).toBe(6 * used(20));
    expect(taken(queue)).toBe('abcdez');
  });

  it('do not count as dropped if they are comments', () => {
    const queue = queueOf({ policy: 'drop-oldest' });
    for (let i = 0; i < 10; i++) queue.add(':\n', event({ comment: '' }));
    expect(queue.dropped).toBe(0);
  });

  describe('when some were dropped', () => {
    it('are reported once, with their number', () => {
      const queue = filled({ policy: 'drop-oldest', report: {} }, 'abcdefg');
      expect(queue.report()).toBe('event: overflow\ndata: {"dropped":2}\n\n');
      expect(queue.report()).toBe('');
      queue.add(block('h'), some);
      expect(queue.report()).toBe('event: overflow\ndata: {"dropped":1}\n\n');
    });

    it('are reported with the given type', () => {
      const queue = filled({ policy: 'drop-newest', report: { event: 'missed' } }, 'abcdef');
      expect(queue.report()).toBe('event: missed\ndata: {"dropped":1}\n\n');
    });

    it('are not reported without the option', () => {
      expect(filled({ policy: 'drop-oldest' }, 'abcdefg').report()).toBe('');
    });
  });

  describe('that the response has taken over for its end', () => {
    it('count until they are released', () => {
      const queue = filled({}, 'abc');
      expect(queue.takeLast(() => 60).replaceAll('.', '')).toBe('abc');
      expect([queue.empty, budget.bytes]).toEqual([true, 3 * used(20)]);
      queue.release();
      queue.release();
      expect(budget.bytes).toBe(0);
    });

    it('count only their unsent bytes when others need the memory', () => {
      budget = new OverflowBudget(turns, 6 * used(20));
      const ending = filled({}, 'abc');
      ending.takeLast(() => 10);
      const other = filled({}, 'abcd');
      expect([evicted, ending.bytes, other.bytes]).toEqual([[], 10, 4 * used(20)]);
    });
  });

  describe('of many clients that exceed the budget of the process', () => {
    beforeEach(() => {
      budget = new OverflowBudget(turns, 10 * used(20));
    });

    it('end the connection with the most bytes, and no other', () => {
      const queues = ['abc', 'abcde', 'ab'].map((names) => filled({}, names));
      add(queues[2] as OverflowQueue, 'c');
      expect(evicted).toEqual([queues[1]]);
      expect([queues[1]?.bytes, queues[1]?.empty, budget.bytes]).toEqual([0, true, 6 * used(20)]);
    });

    it('end the connection that fell behind first, of two with equally many bytes', () => {
      const queues = ['abcd', 'abcd'].map((names) => filled({ policy: 'drop-oldest' }, names));
      filled({}, 'abc');
      expect(evicted).toEqual([queues[0]]);
    });

    it('do not end a new connection for its first burst', () => {
      budget = new OverflowBudget(turns, 16 * used(20));
      const behind = Array.from({ length: 5 }, () => filled({}, 'abc'));
      turns.next();
      const fresh = queueOf({});
      for (const name of 'ABCD') fresh.add(block(name), some);
      expect(evicted).toEqual([behind[0]]);
      expect(fresh.bytes).toBe(4 * used(20));
    });

    it.each<OverflowOptions>([
      { maxBytes: Infinity },
      { maxBytes: Infinity, policy: 'drop-oldest' },
      { maxBytes: Infinity, policy: 'drop-newest' },
      { maxBytes: Infinity, policy: { coalesce: () => undefined } },
    ])('end the connection whose source never stops emitting (%j)', (options) => {
      const others = Array.from({ length: 3 }, () => filled({}, 'ab'));
      turns.next();
      const endless = queueOf(options);
      for (let i = 0; i < 1000 && evicted.length === 0; i++) endless.add(block('x'), some);
      expect(evicted).toEqual([endless]);
      expect(others.map(({ bytes }) => bytes)).toEqual(Array(3).fill(2 * used(20)));
    });

    it('no longer count once they were taken, dropped or released', () => {
      const queues = [filled({}, 'abc'), filled({ policy: 'drop-oldest', maxBytes: used(20) }, 'abc')];
      expect(budget.bytes).toBe(4 * used(20));
      queues[0]?.take(20);
      queues[1]?.release();
      expect(budget.bytes).toBe(2 * used(20));
      queues[0]?.take(Infinity);
      expect(budget.bytes).toBe(0);
    });
  });
});
