import { Backlog } from './backlog.js';
import type { Entry } from './backlog.js';

const entry = (id: number): Entry => ({
  id,
  timestamp: '2023-03-05 06:04:54.698763',
  case_completed: true,
  data: { case_id: 'A', activity: 'Open', timestamp: '2023-03-05T06:04:54Z' },
  prescriptions: [],
});
const ids = (entries: readonly Entry[]): number[] => entries.map(({ id }) => id);

function filled(...entries: number[]): Backlog {
  const backlog = new Backlog();
  for (const id of entries) backlog.add(entry(id));
  return backlog;
}

describe('Backlog', () => {
  it('gives everything that waits as one batch, once', () => {
    const backlog = filled(1, 2, 3);
    expect(ids(backlog.take(10))).toEqual([1, 2, 3]);
    expect(backlog.size).toBe(0);
  });

  it('takes batches back in front of what came since, in their order', () => {
    const backlog = filled(1, 2);
    backlog.take(10);
    backlog.add(entry(3));
    backlog.take(11);
    backlog.add(entry(4));
    backlog.returnAfter(9);
    expect(ids(backlog.take(12))).toEqual([1, 2, 3, 4]);
  });

  it('takes only those back that came after the given id', () => {
    const backlog = filled(1);
    backlog.take(10);
    backlog.add(entry(2));
    backlog.take(11);
    backlog.returnAfter(10);
    expect(ids(backlog.take(12))).toEqual([2]);
  });

  it('takes nothing back of what was sent to a reader before the latest', () => {
    const backlog = filled(1);
    backlog.take(10);
    backlog.forgetSent();
    backlog.returnAfter(0);
    expect(backlog.size).toBe(0);
  });

  it('lets the oldest go beyond ten thousand entries', () => {
    const backlog = filled(...Array.from({ length: 10_001 }, (_, index) => index));
    expect(backlog.size).toBe(10_000);
    expect(backlog.take(1)[0]?.id).toBe(1);
  });
});
