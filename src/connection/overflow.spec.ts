import { event } from '../events/sse-event.js';
import { OverflowQueue, type OverflowOptions } from './overflow.js';

/** A block of exactly so many bytes. */
const block = (name: string, bytes = 20): string => name.padEnd(bytes, '.');
const some = event({ data: '' });

function queueOf(options: OverflowOptions): OverflowQueue {
  return new OverflowQueue({ maxBytes: 100, policy: 'disconnect', report: false, ...options });
}

function filled(options: OverflowOptions, names: string): OverflowQueue {
  const queue = queueOf(options);
  for (const name of names) queue.add(block(name), some);
  return queue;
}

const taken = (queue: OverflowQueue): string => queue.take(Infinity).replaceAll('.', '');

describe('the events that wait for a client that is behind', () => {
  describe('with the policy "disconnect"', () => {
    it('keep their order, up to the last byte that is allowed', () => {
      const queue = queueOf({});
      expect([...'abcde'].map((name) => queue.add(block(name), some))).toEqual(Array(5).fill(true));
      expect(queue.bytes).toBe(100);
      expect(queue.add(block('f', 16), some)).toBe(false);
      expect(taken(queue)).toBe('abcde');
      expect(queue.bytes).toBe(0);
    });

    it('cost the connection, and nothing was dropped silently', () => {
      const queue = filled({}, 'abcde');
      expect(queue.add(block('f'), some)).toBe(false);
      expect(queue.dropped).toBe(0);
    });
  });

  it('with "drop-oldest" make room for what comes, in order', () => {
    const queue = filled({ policy: 'drop-oldest' }, 'abcdefg');
    expect(queue.bytes).toBe(100);
    expect(queue.dropped).toBe(2);
    expect(taken(queue)).toBe('cdefg');
  });

  it('with "drop-oldest" give up as many as a large one needs, and no more', () => {
    const queue = filled({ policy: 'drop-oldest' }, 'abcde');
    queue.add(block('F', 50), some);
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
    const quote = (type: string | undefined) => event({ type, data: '' });

    it('keep the newest of each key, at its own place', () => {
      const queue = queueOf({ policy: coalesce });
      for (const name of ['A1', 'B1', 'A2', 'C1', 'A3', 'B2']) queue.add(block(name), quote(name[0]));
      expect(queue.bytes).toBe(60);
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
      const queue = queueOf({ policy: coalesce });
      for (const name of ['A1', 'B1', 'C1', 'D1', 'E1', 'B2', 'F1']) queue.add(block(name), quote(name[0]));
      expect(queue.bytes).toBe(100);
      expect(taken(queue)).toBe('C1D1E1B2F1');
    });

    it('take no more memory for being replaced a million times', () => {
      const queue = queueOf({ policy: coalesce });
      for (let i = 0; i < 1_000_000; i++) queue.add('data: 1\n\n', quote(i % 2 === 0 ? 'A' : 'B'));
      expect(queue.bytes).toBe(32);
      expect((queue as unknown as { entries: Set<unknown> }).entries.size).toBe(2);
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

  it('count for 16 bytes at least, so that empty ones are bounded, too', () => {
    const queue = queueOf({ policy: 'drop-oldest' });
    for (let i = 0; i < 1000; i++) queue.add('\n', some);
    expect(queue.bytes).toBe(96);
    expect(queue.take(Infinity)).toBe('\n'.repeat(6));
    expect(queue.dropped).toBe(994);
  });

  it('count bytes, not characters', () => {
    const queue = queueOf({ policy: 'drop-newest' });
    queue.add('二'.repeat(33), some);
    expect(queue.bytes).toBe(99);
    queue.add('二'.repeat(6), some);
    expect(queue.dropped).toBe(1);
  });

  it.each(['drop-oldest', 'drop-newest', { coalesce: () => 'k' }] as const)(
    'are not given up for one that is larger than all that may wait (%j)',
    (policy) => {
      const queue = queueOf({ policy });
      queue.add(block('a'), some);
      expect(queue.add(block('L', 101), some)).toBe(true);
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
    expect(queue.bytes).toBe(120);
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
});
