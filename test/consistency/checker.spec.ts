import * as fc from 'fast-check';
import { check, type CheckedChannel, type Verdict } from './checker.mjs';

type Life = CheckedChannel['lives'][number];

const PER_TICK = 10;

/** A channel of `count` events, in the order of their indexes, from two publishers at once. */
function channel(count: number, groups: number[] = []): CheckedChannel {
  const events: CheckedChannel['events'] = [];
  for (let group = 0; events.length < count; group++) {
    const size = Math.min(groups[group] ?? 1, count - events.length);
    const sent = events.length * PER_TICK - 12;
    const acked = events.length * PER_TICK + 13;
    for (let place = 0; place < size; place++) {
      const index = events.length;
      events.push({ index, group, place, size, sent, acked, outcome: 'acknowledged', id: `id-${index}` });
    }
  }
  return { name: 'c', events, lives: [] };
}

/** A client that receives events as they are published. */
function life(to: CheckedChannel, given: number[], start: Life['start']): Life {
  const entries = [...given];
  const ticks = entries.map((index) => index * PER_TICK + 15);
  const all = {
    client: `client ${to.lives.length}`,
    start,
    held: 0,
    stored: new Set<number>(),
    entries,
    ticks,
    gaps: [],
    sessions: [],
    toEnd: false,
  };
  to.lives.push(all);
  return all;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

function counts({ lost, duplicated, outOfOrder, phantoms, untrueGaps }: Verdict): object {
  return { lost, duplicated, outOfOrder, phantoms, untrueGaps };
}

const RIGHT = { lost: 0, duplicated: 0, outOfOrder: 0, phantoms: 0, untrueGaps: 0 };

describe('the checker of the consistency check', () => {
  it('finds no fault if every client got every event, from any start', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(99), fc.nat(100), fc.boolean()), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 30 }),
        (pieces, groups) => {
          const c = channel(100, groups);
          for (const [from, length, fresh] of pieces) {
            const start = fresh || from === 0 ? { head: from * PER_TICK } : { after: from - 1 };
            life(c, range(from, Math.min(from + length, 100)), start);
          }
          expect(counts(check([c]))).toEqual(RIGHT);
        },
      ),
    );
  });

  it.each([true, false])('finds an event that one client did not get (known to others: %s)', (known) => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 96 }), (missing) => {
        const c = channel(100);
        if (known) life(c, range(0, 100), { head: -100 });
        life(
          c,
          range(0, 100).filter((index) => index !== missing),
          { head: -100 },
        );
        expect(counts(check([c]))).toEqual({ ...RIGHT, lost: 1 });
      }),
    );
  });

  it('finds missing events after a head, after an ID, and at the end', () => {
    const c = channel(20);
    life(c, range(8, 20), { head: 2 * PER_TICK });
    expect(check([c]).lost).toBe(4);
    c.lives = [];
    life(c, range(8, 20), { after: 4 });
    expect(check([c]).lost).toBe(1);
    c.lives = [];
    life(c, range(0, 15), { head: -100 }).toEnd = true;
    expect(check([c]).lost).toBe(5);
  });

  it('finds a duplicate, immediate or later', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 19 }), fc.nat(19), (index, later) => {
        const c = channel(20);
        const { entries, ticks } = life(c, range(0, 20), { head: -100 });
        entries.splice(Math.max(later, index) + 1, 0, index);
        ticks.push(1000);
        expect(counts(check([c]))).toEqual({ ...RIGHT, duplicated: 1 });
      }),
    );
  });

  it('finds two events in the wrong order, from other clients and from the times of publishing', () => {
    const c = channel(20);
    life(c, range(0, 20), { head: -100 });
    life(c, [...range(0, 8), 9, 8, ...range(10, 20)], { head: -100 });
    expect(check([c]).outOfOrder).toBeGreaterThan(0);
    c.lives = [];
    life(c, [...range(0, 8), 12, ...range(8, 12), ...range(13, 20)], { head: -100 });
    expect(check([c]).outOfOrder).toBeGreaterThan(0);
  });

  it('requires that an event with an unknown outcome is published for all or for none, in one place', () => {
    const unknown = (others: (index: number) => boolean): CheckedChannel => {
      const c = channel(20);
      Object.assign(c.events[7] ?? {}, { outcome: 'open', acked: undefined });
      life(c, range(0, 20), { head: -100 });
      life(c, range(0, 20).filter(others), { head: -100 });
      return c;
    };
    expect(counts(check([unknown(() => true)]))).toEqual(RIGHT);
    expect(counts(check([unknown((index) => index !== 7)]))).toEqual({ ...RIGHT, lost: 1 });
    const nobody = unknown((index) => index !== 7);
    nobody.lives.shift();
    expect(counts(check([nobody]))).toEqual(RIGHT);
  });

  it('finds an event that was rejected but delivered', () => {
    const c = channel(20);
    Object.assign(c.events[7] ?? {}, { outcome: 'refused' });
    life(c, range(0, 20), { head: -100 });
    expect(check([c]).phantoms).toBe(1);
  });

  it('finds that the events of one batch are no longer together', () => {
    const c = channel(6, [1, 1, 3, 1]);
    Object.assign(c.events[5] ?? {}, { sent: 5 });
    life(c, [0, 1, 2, 5, 3, 4], { head: -100 });
    expect(check([c]).outOfOrder).toBeGreaterThan(0);
  });

  it('finds no fault in a state with all events before it, and the events after it', () => {
    const c = channel(20);
    life(c, range(0, 20), { head: -100 });
    Object.assign(life(c, range(0, 20), { head: 0 }), { held: 12 });
    const verdict = check([c]);
    expect(counts(verdict)).toEqual(RIGHT);
    expect([verdict.delivered, verdict.heldByStates]).toEqual([28, 12]);
  });

  it.each([
    ['lacks an event', [...range(0, 5), ...range(6, 12)], 12, { lost: 1 }],
    ['lacks the first event', range(1, 12), 12, { lost: 1 }],
    ['is older than its position', range(0, 11), 12, { lost: 1 }],
    ['has an event twice', [...range(0, 6), 5, ...range(6, 12)], 12, { duplicated: 1 }],
    ['is newer than its position', range(0, 12), 11, { duplicated: 1 }],
    ['has an event that was refused', range(0, 12), 12, { phantoms: 1 }],
  ])('finds a state that %s', (what, held, next, fault) => {
    const c = channel(20);
    if (what.includes('refused')) Object.assign(c.events[3] ?? {}, { outcome: 'refused' });
    else life(c, range(0, 20), { head: -100 });
    Object.assign(life(c, [...held, ...range(next, 20)], { head: -100 }), { held: held.length });
    expect(counts(check([c]))).toEqual({ ...RIGHT, ...fault });
  });

  it.each([
    ['has no event twice, and lacks none', range(0, 12), range(12, 20), {}],
    ['is ahead of its position', [...range(0, 15), 17], range(12, 20), {}],
    ['lacks an event before its position', [...range(0, 5), ...range(6, 12)], range(12, 20), { lost: 1 }],
    [
      'is followed by a tail that lacks an event',
      range(0, 12),
      [...range(12, 15), ...range(16, 20)],
      { lost: 1 },
    ],
    ['is followed by a tail that has an event twice', range(0, 12), [12, 13, 13], { duplicated: 1 }],
  ])('judges what an application has stored, if it %s', (_, stored, tail, fault) => {
    const c = channel(20);
    life(c, range(0, 20), { head: -100 });
    Object.assign(life(c, tail, { head: -100 }), { stored: new Set(stored) });
    expect(counts(check([c]))).toEqual({ ...RIGHT, ...fault });
  });

  it('accepts a gap for missing events, and only if events are missing', () => {
    const told = (from: number, to: number): CheckedChannel => {
      const c = channel(20);
      life(c, range(0, 20), { head: -100 });
      const other = life(c, [...range(0, from), -1, ...range(to, 20)], { head: -100 });
      other.gaps.push({ id: 'gap', requested: `id-${from - 1}`, oldest: `id-${to}` });
      return c;
    };
    const verdict = check([told(5, 9)]);
    expect(counts(verdict)).toEqual(RIGHT);
    expect([verdict.gaps, verdict.toldMissing]).toEqual([1, 4]);
    expect(check([told(5, 5)]).untrueGaps).toBe(1);
  });

  it.each([{ requested: 'id-3' }, { oldest: 'id-8' }])('finds a gap with wrong content: %j', (wrong) => {
    const c = channel(20);
    life(c, range(0, 20), { head: -100 });
    const other = life(c, [...range(0, 5), -1, ...range(9, 20)], { head: -100 });
    other.gaps.push({ id: 'gap', requested: 'id-4', oldest: 'id-9', ...wrong });
    expect(check([c]).untrueGaps).toBe(1);
  });

  it('reports the first violation, and its client', () => {
    const c = channel(50);
    life(c, range(0, 50), { head: -100 });
    life(c, range(0, 50).filter((index) => index !== 40), { head: -100 }); // prettier-ignore
    life(c, range(0, 50).filter((index) => index !== 20), { head: -100 }); // prettier-ignore
    const [first] = check([c]).violations;
    expect(first).toMatchObject({ kind: 'lost', at: 20, what: expect.stringContaining('20') });
  });
});
