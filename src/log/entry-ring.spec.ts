import fc from 'fast-check';
import { EntryRing } from './entry-ring.js';

describe('an entry ring', () => {
  it('behaves like an array for any sequence of push() and shift()', () => {
    const step = fc.oneof(
      fc.nat(40).map((pushes) => pushes + 1),
      fc.nat(60).map((shifts) => -shifts),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const ring = new EntryRing<number>();
        const model: number[] = [];
        let next = 0;
        for (const count of steps) {
          for (let i = 0; i < count; i++) {
            ring.push(next);
            model.push(next++);
          }
          for (let i = 0; i > count; i--) expect(ring.shift()).toBe(model.shift());
          expect(Array.from({ length: ring.length }, (_, i) => ring.at(i))).toEqual(model);
        }
      }),
    );
  });

  it('counts the items that pass a test', () => {
    const ring = new EntryRing<number>();
    for (let i = 0; i < 1000; i++) ring.push(i);
    for (let i = 0; i < 500; i++) ring.shift();
    let asked = 0;
    const below = (limit: number) =>
      ring.partition((item) => {
        asked++;
        return item < limit;
      });
    expect([below(0), below(500), below(501), below(750), below(2000)]).toEqual([0, 0, 1, 250, 500]);
    expect(asked).toBeLessThanOrEqual(5 * 9);
  });

  it('returns undefined for an index out of range', () => {
    const ring = new EntryRing<number>();
    ring.push(1);
    expect([ring.at(-1), ring.at(1)]).toEqual([undefined, undefined]);
    expect([ring.shift(), ring.shift(), ring.length]).toEqual([1, undefined, 0]);
  });

  it('shrinks', () => {
    const ring = new EntryRing<number>();
    for (let i = 0; i < 10_000; i++) ring.push(i);
    for (let i = 0; i < 10_000; i++) ring.shift();
    expect((ring as unknown as { items: unknown[] }).items.length).toBe(4);
  });
});
