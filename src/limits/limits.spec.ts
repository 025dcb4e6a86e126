import { SlotTable } from './limits.js';

const never = (): void => {
  throw new Error('replaced');
};
const ask = (key: string, max: number) => ({ key, max, replaceOldest: false, onReplaced: never });

describe('the slots of one process', () => {
  it('are as many as the limit allows, and counted by key', () => {
    const slots = new SlotTable();
    expect(slots.acquire(ask('a', 2))).toBeDefined();
    expect(slots.acquire(ask('a', 2))).toBeDefined();
    expect(slots.acquire(ask('a', 2))).toBeUndefined();
    expect(slots.acquire(ask('b', 2))).toBeDefined();
    expect([slots.count('a'), slots.count('b'), slots.count('c')]).toEqual([2, 1, 0]);
  });

  it('are free again once released, however often', () => {
    const slots = new SlotTable();
    const [first] = [slots.acquire(ask('a', 2)), slots.acquire(ask('a', 2))];
    first?.release();
    first?.release();
    expect(slots.count('a')).toBe(1);
    expect(slots.acquire(ask('a', 2))).toBeDefined();
    expect(slots.acquire(ask('a', 2))).toBeUndefined();
  });

  it('leave nothing behind when the last of a key is released', () => {
    const slots = new SlotTable();
    for (let i = 0; i < 1000; i++) slots.acquire(ask(`user-${i}`, 1))?.release();
    expect(slots.size).toBe(0);
  });

  it('make room by sending the oldest away, which is told once', () => {
    const slots = new SlotTable();
    const told: string[] = [];
    const replace = (name: string) =>
      slots.acquire({ key: 'a', max: 2, replaceOldest: true, onReplaced: () => told.push(name) });
    const first = replace('first');
    replace('second');
    replace('third');
    expect(told).toEqual(['first']);
    expect(slots.count('a')).toBe(2);
    first?.release();
    expect(slots.count('a')).toBe(2);
    replace('fourth');
    expect(told).toEqual(['first', 'second']);
  });

  it('are not mixed up when the one that goes releases its slot while it is told', () => {
    const slots = new SlotTable();
    const first = slots.acquire({
      key: 'a',
      max: 1,
      replaceOldest: true,
      onReplaced: () => first?.release(),
    });
    expect(slots.acquire({ key: 'a', max: 1, replaceOldest: true, onReplaced: never })).toBeDefined();
    expect(slots.count('a')).toBe(1);
  });
});
