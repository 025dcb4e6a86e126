import { ManualClock } from '../../test/fixtures/manual-clock.js';
import { Flushes } from './flushes.js';

const nextTick = () => new Promise<void>((resolve) => process.nextTick(resolve));

describe('Flushes', () => {
  it('flushes each outlet once, in the order of add(), after the running code', async () => {
    const flushes = new Flushes(new ManualClock());
    const written: string[] = [];
    for (const name of ['a', 'b', 'c']) flushes.add({ flush: () => written.push(name) });
    expect(written).toEqual([]);
    await nextTick();
    expect(written).toEqual(['a', 'b', 'c']);
    await nextTick();
    expect(written).toHaveLength(3);
  });

  it('accepts add() during a flush', async () => {
    const flushes = new Flushes(new ManualClock());
    const written: string[] = [];
    const second = { flush: () => written.push('second') };
    flushes.add({
      flush: () => {
        written.push('first');
        flushes.add(second);
      },
    });
    await nextTick();
    await nextTick();
    expect(written).toEqual(['first', 'second']);
  });

  it('flushes the others if one throws', async () => {
    const flushes = new Flushes(new ManualClock());
    const written: string[] = [];
    const broken = {
      flush: () => {
        throw new Error('broken');
      },
    };
    for (const outlet of [{ flush: () => written.push('a') }, broken, { flush: () => written.push('b') }]) {
      flushes.add(outlet);
    }
    expect(() => flushes.run()).toThrow('broken');
    await nextTick();
    await nextTick();
    expect(written).toEqual(['a', 'b']);
  });
});

describe('Flushes with too many writes for one turn of the event loop', () => {
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  let clock: ManualClock;
  let flushes: Flushes;
  let written: number[];
  beforeEach(() => {
    clock = new ManualClock();
    flushes = new Flushes(clock);
    written = [];
  });
  function add(count: number, takesMs = 0): void {
    for (let i = 0; i < count; i++) {
      flushes.add({
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

  it('makes fewer writes in a turn if they take longer', async () => {
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
    expect(flushes.admits()).toBe(false);
    const before = written.length;
    await turn();
    // The rest is due in the same turn. A new write would overtake it.
    expect(flushes.admits()).toBe(false);
    expect(written.length).toBeGreaterThan(before);
    while (written.length < 3000) await turn();
    await turn();
    expect(flushes.admits()).toBe(true);
  });

  it('counts the writes of each turn separately', async () => {
    for (let i = 0; i < 5000; i++) {
      expect(flushes.admits()).toBe(true);
      await turn();
    }
  });
});
