import { jest } from '@jest/globals';
import { ManualClock } from '../../test/fixtures/manual-clock.js';
import { systemClock } from './clock.js';
import { Slices } from './slices.js';

const nextTick = () => new Promise<void>((resolve) => process.nextTick(resolve));

interface Item {
  flush(): unknown;
}
const made = (clock = new ManualClock()) => new Slices<Item>(clock, (item) => void item.flush());

describe('slices of calls', () => {
  it('calls with each item once, in the order of add(), after the running code', async () => {
    const slices = made();
    const written: string[] = [];
    for (const name of ['a', 'b', 'c']) slices.add({ flush: () => written.push(name) });
    expect(written).toEqual([]);
    await nextTick();
    expect(written).toEqual(['a', 'b', 'c']);
    await nextTick();
    expect(written).toHaveLength(3);
  });

  it('accepts add() during a call', async () => {
    const slices = made();
    const written: string[] = [];
    const second = { flush: () => written.push('second') };
    slices.add({
      flush: () => {
        written.push('first');
        slices.add(second);
      },
    });
    await nextTick();
    await nextTick();
    expect(written).toEqual(['first', 'second']);
  });

  it('calls the others if one throws', async () => {
    const slices = made();
    const written: string[] = [];
    const broken = {
      flush: () => {
        throw new Error('broken');
      },
    };
    for (const outlet of [{ flush: () => written.push('a') }, broken, { flush: () => written.push('b') }]) {
      slices.add(outlet);
    }
    expect(() => slices.run()).toThrow('broken');
    await nextTick();
    await nextTick();
    expect(written).toEqual(['a', 'b']);
  });
});

describe('calls that are too many for one turn of the event loop', () => {
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  let clock: ManualClock;
  let slices: Slices<Item>;
  let written: number[];
  beforeEach(() => {
    clock = new ManualClock();
    slices = made(clock);
    written = [];
  });
  function add(count: number, takesMs = 0): void {
    for (let i = 0; i < count; i++) {
      slices.add({
        flush: () => {
          written.push(i);
          clock.advance(takesMs);
        },
      });
    }
  }

  it('continues in the next turn, in order', async () => {
    add(5000);
    const seen: number[] = [];
    await nextTick();
    seen.push(written.length);
    while (written.length < 5000) {
      await turn();
      seen.push(written.length - seen.reduce((sum, count) => sum + count, 0));
    }
    expect(Math.max(...seen)).toBeLessThanOrEqual(1024 + 64);
    expect(seen.length).toBeGreaterThanOrEqual(5);
    expect(written).toEqual(Array.from({ length: 5000 }, (_, i) => i));
  });

  it('makes fewer calls in a turn if they take longer', async () => {
    add(1000, 1);
    await nextTick();
    expect(written.length).toBeGreaterThanOrEqual(64);
    expect(written.length).toBeLessThanOrEqual(128);
    await turn();
    await turn();
    expect(clock.now()).toBeLessThanOrEqual(3 * 128);
  });

  it('admits no new write before the rest', async () => {
    add(3000);
    await nextTick();
    expect(slices.admits()).toBe(false);
    const before = written.length;
    await turn();
    // The rest is due in the same turn. A new write would overtake it.
    expect(slices.admits()).toBe(false);
    expect(written.length).toBeGreaterThan(before);
    while (written.length < 3000) await turn();
    await turn();
    expect(slices.admits()).toBe(true);
  });

  it('counts the writes of each turn separately', async () => {
    for (let i = 0; i < 5000; i++) {
      expect(slices.admits()).toBe(true);
      await turn();
    }
  });
});

describe('calls that must all be made now', () => {
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

  it('are made in one turn, in order, with those that they add', async () => {
    const called: number[] = [];
    const slices = new Slices<number>(new ManualClock(), (n) => {
      called.push(n);
      if (n === 1999) slices.add(2000);
    });
    for (let n = 0; n < 2000; n++) slices.add(n);
    slices.finish();
    expect(called).toEqual(Array.from({ length: 2001 }, (_, n) => n));
    await turn();
    await turn();
    expect(called).toHaveLength(2001);
    expect(slices.admits()).toBe(true);
  });

  it('can be demanded by one of them, and a call that has more to do finds room', async () => {
    const called: string[] = [];
    const slices = new Slices<string>(new ManualClock(), (name) => {
      called.push(name);
      if (name === 'a') slices.finish();
      if (name === 'b') for (let i = 0; i < 3000; i++) expect(slices.hasRoom()).toBe(true);
    });
    for (const name of ['a', 'b', 'c']) slices.add(name);
    slices.finish();
    expect(called).toEqual(['a', 'b', 'c']);
    for (let i = 0; i < 3; i++) await turn();
    expect(called).toHaveLength(3);
  });

  it('continue in a later turn if they were not demanded', async () => {
    let steps = 0;
    const slices = new Slices<string>(new ManualClock(), (name) => {
      while (steps < 5000) {
        steps++;
        if (!slices.hasRoom()) return slices.add(name);
      }
    });
    slices.add('long');
    const seen: number[] = [];
    while (steps < 5000) {
      const before = steps;
      await turn();
      seen.push(steps - before);
    }
    expect(Math.max(...seen)).toBeLessThanOrEqual(1024 + 64);
  });
});

describe('slices in a test of an application', () => {
  afterEach(() => void jest.useRealTimers());

  it('continue with fake timers, and after them', async () => {
    const realTurn = setImmediate;
    const slices = new Slices<number>(systemClock, () => undefined);
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask'] });
    for (let i = 0; i < 5000; i++) slices.hasRoom();
    jest.useRealTimers();
    await new Promise((resolve) => realTurn(resolve));
    await new Promise((resolve) => realTurn(resolve));
    expect(slices.admits()).toBe(true);
  });

  it('lose nothing if a call throws within finish()', async () => {
    const called: string[] = [];
    const slices = new Slices<string>(new ManualClock(), (name) => {
      called.push(name);
      if (name === 'a') expect(() => slices.finish()).toThrow('broken');
      if (name === 'b') throw new Error('broken');
    });
    for (const name of ['a', 'b', 'c']) slices.add(name);
    slices.run();
    slices.add('d');
    for (let i = 0; i < 3; i++) await new Promise(setImmediate);
    expect(called).toEqual(['a', 'b', 'c', 'd']);
  });
});
