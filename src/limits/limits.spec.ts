import { SlotTable, type Slot, type SlotRequest } from './limits.js';

const never = (): void => {
  throw new Error('replaced');
};
const place = (key: string, max: number, onReplaced?: () => void): SlotRequest => ({
  key,
  max,
  replaceOldest: onReplaced !== undefined,
  onReplaced: onReplaced ?? never,
});

function take(slots: SlotTable, ...requests: SlotRequest[]): Slot | undefined {
  const answer = slots.acquire(requests);
  return 'slot' in answer ? answer.slot : undefined;
}

describe('SlotTable', () => {
  it('grants max slots per key', () => {
    const slots = new SlotTable();
    expect(take(slots, place('a', 2))).toBeDefined();
    expect(take(slots, place('a', 2))).toBeDefined();
    expect(take(slots, place('a', 2))).toBeUndefined();
    expect(take(slots, place('b', 2))).toBeDefined();
    expect([slots.count('a'), slots.count('b'), slots.count('c')]).toEqual([2, 1, 0]);
  });

  it('frees a slot once, even if it is released repeatedly', () => {
    const slots = new SlotTable();
    const first = take(slots, place('a', 2));
    take(slots, place('a', 2));
    first?.release();
    first?.release();
    expect(slots.count('a')).toBe(1);
    expect(take(slots, place('a', 2))).toBeDefined();
    expect(take(slots, place('a', 2))).toBeUndefined();
  });

  it('forgets a key without holders', () => {
    const slots = new SlotTable();
    for (let i = 0; i < 1000; i++) take(slots, place(`user-${i}`, 1), place('all', 5))?.release();
    expect(slots.size).toBe(0);
  });

  it('evicts the oldest holder, and calls it back once', () => {
    const slots = new SlotTable();
    const told: string[] = [];
    const replace = (name: string): Slot | undefined =>
      take(
        slots,
        place('a', 2, () => told.push(name)),
      );
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

  it('evicts several holders after a limit was lowered', () => {
    const slots = new SlotTable();
    const told: number[] = [];
    for (let i = 0; i < 5; i++)
      take(
        slots,
        place('a', 9, () => told.push(i)),
      );
    take(slots, place('a', 2, never));
    expect([told, slots.count('a')]).toEqual([[0, 1, 2, 3], 2]);
  });

  it('counts correctly if an evicted holder releases its slot in the callback', () => {
    const slots = new SlotTable();
    const first = take(
      slots,
      place('a', 1, () => first?.release()),
      place('b', 1),
    );
    expect(take(slots, place('a', 1, never))).toBeDefined();
    expect([slots.count('a'), slots.count('b')]).toEqual([1, 0]);
  });

  it('returns the first request whose limit is reached, and changes nothing', () => {
    const slots = new SlotTable();
    const holder = take(slots, place('a', 1, never), place('b', 1), place('c', 1));
    const requests = [place('a', 1, never), place('d', 1), place('b', 1), place('c', 1)];
    expect(slots.acquire(requests)).toEqual({ full: requests[2] });
    expect(['a', 'b', 'c', 'd'].map((key) => slots.count(key))).toEqual([1, 1, 1, 0]);
    holder?.release();
    expect(slots.size).toBe(0);
  });
});
