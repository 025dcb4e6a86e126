import { event } from '../events/sse-event.js';
import { OverflowQueue } from './overflow.js';
import type { OverflowOptions } from './slow-client.options.js';
import { OverflowBudget } from './overflow-budget.js';
import { ManualClock } from '../../test/fixtures/manual-clock.js';

/** What an event of this many ASCII characters is taken to use: with an object and the head of a string. */
const used = (characters: number): number => 128 + characters;
/** What a key of one character adds. */
const KEY = 113;
/** Room for five events of 20 characters. */
const ROOM = 5 * used(20);

/** A block of exactly this many bytes. */
const block = (name: string, bytes = 20): string => name.padEnd(bytes, '.');
const some = event({ data: '' });

/** The event loop, turned by hand. */
class Turns extends ManualClock {
  private due: (() => void)[] = [];
  override defer(run: () => void): void {
    this.due.push(run);
  }
  /** Until nothing is due, which is when a new turn has begun. */
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

describe('the events that wait for a client that is behind', () => {
  describe('with the policy "disconnect"', () => {
    it('keep their order, up to the last byte that is allowed', () => {
      const queue = queueOf({});
      expect(add(queue, 'abcde')).toEqual(Array(5).fill(undefined));
      expect(queue.bytes).toBe(ROOM);
      expect(taken(queue)).toBe('abcde');
      expect(queue.bytes).toBe(0);
    });

    it('cost the connection, and nothing was dropped silently', () => {
      const queue = filled({}, 'abcde');
      // What came in one turn is not judged in that turn: the limit may be exceeded by it, once.
      expect(add(queue, 'fg')).toEqual([undefined, 'overflow.maxBytes']);
      expect(queue.dropped).toBe(0);
      expect(queue.bytes).toBe(6 * used(20));
    });

    it('are judged turn by turn: no client could have read what came in this one', () => {
      const queue = filled({}, 'abc');
      turns.next();
      for (const name of 'defghijklm') expect(queue.add(block(name), some)).toBeUndefined();
      expect(taken(queue)).toBe('abcdefghijklm');
    });

    it('of a burst leave the limit to what comes after them, until the client has taken them', () => {
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

    it('of a second burst are not spared while those of the first wait', () => {
      const queue = queueOf({});
      for (const name of 'ABCDEFGHIJ') queue.add(block(name), some);
      turns.next();
      const second = [...'abcdef'].map((name) => queue.add(block(name), some));
      expect(second).toEqual([...Array(5).fill(undefined), 'overflow.maxBytes']);
    });

    it('of a second burst are spared once those of the first were taken', () => {
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

    it('are a burst also where one alone is larger than the limit', () => {
      const queue = queueOf({});
      expect(queue.add(block('L', ROOM), some)).toBeUndefined();
      turns.next();
      expect(queue.add(block('M', ROOM), some)).toBe('overflow.maxBytes');
    });
  });

  it('with "drop-oldest" make room for what comes, in order', () => {
    const queue = filled({ policy: 'drop-oldest' }, 'abcdefg');
    expect(queue.bytes).toBe(ROOM);
    expect(queue.dropped).toBe(2);
    expect(taken(queue)).toBe('cdefg');
  });

  it('with "drop-oldest" give up as many as a large one needs, and no more', () => {
    const queue = filled({ policy: 'drop-oldest' }, 'abcde');
    queue.add(block('F', 20 + 2 * used(20)), some);
    expect(queue.dropped).toBe(3);
    expect(taken(queue)).toBe('deF');
  });

  it('with "drop-newest" stay, and what comes goes', () => {
    const queue = filled({ policy: 'drop-newest' }, 'abcdefg');
    expect(queue.dropped).toBe(2);
    expect(taken(queue)).toBe('abcde');
  });

  it('with "drop-newest" let a small one in where a large one did not fit', () => {
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

    it('keep the newest of each key, at its own place', () => {
      const queue = queueOf({ policy: coalesce, maxBytes });
      for (const name of ['A1', 'B1', 'A2', 'C1', 'A3', 'B2']) queue.add(block(name), quote(name[0]));
      expect(queue.bytes).toBe(3 * (used(20) + KEY));
      expect(queue.dropped).toBe(3);
      expect(taken(queue)).toBe('C1A3B2');
    });

    it('leave events without a key alone', () => {
      const queue = queueOf({ policy: coalesce });
      for (const name of ['A1', '-1', 'A2', '-2'])
        queue.add(block(name), quote(name[0] === '-' ? undefined : name[0]));
      expect(taken(queue)).toBe('-1A2-2');
    });

    it('give up the oldest where that is not enough', () => {
      const queue = queueOf({ policy: coalesce, maxBytes });
      for (const name of ['A1', 'B1', 'C1', 'D1', 'E1', 'B2', 'F1']) queue.add(block(name), quote(name[0]));
      expect(queue.bytes).toBe(maxBytes);
      expect(taken(queue)).toBe('C1D1E1B2F1');
    });

    it('take no more memory for being replaced a million times', () => {
      const queue = queueOf({ policy: coalesce });
      for (let i = 0; i < 1_000_000; i++) queue.add('data: 1\n\n', quote(i % 2 === 0 ? 'A' : 'B'));
      expect(queue.bytes).toBe(2 * (used(9) + KEY));
      expect(budget.bytes).toBe(queue.bytes);
      expect(queue.take(Infinity)).toBe('data: 1\n\n'.repeat(2));
    });

    it('start afresh with a key that was sent meanwhile', () => {
      const queue = queueOf({ policy: coalesce });
      queue.add(block('A1'), quote('A'));
      expect(taken(queue)).toBe('A1');
      queue.add(block('A2'), quote('A'));
      expect(taken(queue)).toBe('A2');
      expect(queue.dropped).toBe(0);
    });

    it('are as they were if the key could not be told', () => {
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

  it('count for what they use besides their text, so that a limit on memory holds for tiny ones', () => {
    const queue = queueOf({ policy: 'drop-oldest', maxBytes: 6 * used(1) });
    for (let i = 0; i < 1000; i++) queue.add('\n', some);
    expect(queue.bytes).toBe(6 * used(1));
    expect(queue.take(Infinity)).toBe('\n'.repeat(6));
    expect(queue.dropped).toBe(994);
  });

  it('count two bytes a character where the text is not ASCII, as JavaScript keeps it', () => {
    const queue = queueOf({ policy: 'drop-newest', maxBytes: used(2 * 33) });
    queue.add('二'.repeat(33), some);
    expect(queue.bytes).toBe(used(66));
    expect(queue.dropped).toBe(0);
    queue.add('', some);
    expect(queue.dropped).toBe(1);
  });

  it.each(['drop-oldest', 'drop-newest', { coalesce: () => 'k' }] as const)(
    'are not given up for one that is larger than all that may wait (%j)',
    (policy) => {
      const queue = queueOf({ policy });
      queue.add(block('a'), some);
      expect(queue.add(block('L', ROOM), some)).toBeUndefined();
      expect(queue.dropped).toBe(1);
      expect(taken(queue)).toBe('a');
    },
  );

  it('are taken in pieces of about the length that is asked for', () => {
    const queue = filled({}, 'abcde');
    expect(queue.take(30)).toBe(block('a') + block('b'));
    queue.add(block('f'), some);
    expect(taken(queue)).toBe('cdef');
    expect(queue.take(30)).toBe('');
  });

  it('let last words in, whatever waits', () => {
    const queue = filled({ policy: 'drop-newest' }, 'abcde');
    queue.addAnyway(block('z'));
    expect(queue.bytes).toBe(6 * used(20));
    expect(taken(queue)).toBe('abcdez');
  });

  it('are not counted as dropped where they are comments, which nobody misses', () => {
    const queue = queueOf({ policy: 'drop-oldest' });
    for (let i = 0; i < 10; i++) queue.add(':\n', event({ comment: '' }));
    expect(queue.dropped).toBe(0);
  });

  describe('when some were dropped', () => {
    it('tell how many, once, if that is asked for', () => {
      const queue = filled({ policy: 'drop-oldest', report: {} }, 'abcdefg');
      expect(queue.report()).toBe('event: overflow\ndata: {"dropped":2}\n\n');
      expect(queue.report()).toBe('');
      queue.add(block('h'), some);
      expect(queue.report()).toBe('event: overflow\ndata: {"dropped":1}\n\n');
    });

    it('tell it under the name that is given', () => {
      const queue = filled({ policy: 'drop-newest', report: { event: 'missed' } }, 'abcdef');
      expect(queue.report()).toBe('event: missed\ndata: {"dropped":1}\n\n');
    });

    it('say nothing where nobody asked', () => {
      expect(filled({ policy: 'drop-oldest' }, 'abcdefg').report()).toBe('');
    });
  });

  describe('given to the response for its end', () => {
    it('count until they are released', () => {
      const queue = filled({}, 'abc');
      expect(queue.takeLast(() => 60).replaceAll('.', '')).toBe('abc');
      expect([queue.empty, budget.bytes]).toEqual([true, 3 * used(20)]);
      queue.release();
      queue.release();
      expect(budget.bytes).toBe(0);
    });

    it('count for what was not sent when others need the room', () => {
      budget = new OverflowBudget(turns, 6 * used(20));
      const ending = filled({}, 'abc');
      ending.takeLast(() => 10);
      const other = filled({}, 'abcd');
      expect([evicted, ending.bytes, other.bytes]).toEqual([[], 10, 4 * used(20)]);
    });
  });

  describe('of many clients, more than the process has room for', () => {
    beforeEach(() => {
      budget = new OverflowBudget(turns, 10 * used(20));
    });

    it('cost the connection with the most, and no other', () => {
      const queues = ['abc', 'abcde', 'ab'].map((names) => filled({}, names));
      add(queues[2] as OverflowQueue, 'c');
      expect(evicted).toEqual([queues[1]]);
      expect([queues[1]?.bytes, queues[1]?.empty, budget.bytes]).toEqual([0, true, 6 * used(20)]);
    });

    it('cost, of two with as many, the connection that fell behind first', () => {
      const queues = ['abcd', 'abcd'].map((names) => filled({ policy: 'drop-oldest' }, names));
      filled({}, 'abc');
      expect(evicted).toEqual([queues[0]]);
    });

    it('do not cost a new connection its first burst', () => {
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
    ])('cost the connection whose source does not stop emitting (%j)', (options) => {
      const others = Array.from({ length: 3 }, () => filled({}, 'ab'));
      turns.next();
      const endless = queueOf(options);
      for (let i = 0; i < 1000 && evicted.length === 0; i++) endless.add(block('x'), some);
      expect(evicted).toEqual([endless]);
      expect(others.map(({ bytes }) => bytes)).toEqual(Array(3).fill(2 * used(20)));
    });

    it('count no more once they were taken, dropped or released', () => {
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
