import { NO_PLACE, entered, taken, type Place } from './place.js';

/** The position after a reader took these events, each with one more entry. */
function after(...eventIds: number[]): Place {
  return eventIds.reduce((place, id, i) => taken(place, id, i + 1), entered(NO_PLACE, undefined));
}

describe('the position of the readers of a project', () => {
  it('is after the taken entries for the next reader', () => {
    expect(entered(after(3, 5, 6), undefined)).toEqual({ given: 3, from: 3, marks: [] });
  });

  it('is after the seen entries for a reader that reconnects', () => {
    const place = after(3, 5, 6);
    expect(['0', '2', '3', '4', '5', '6', '700'].map((id) => [id, entered(place, id).given])).toEqual([
      ['0', 0],
      ['2', 0],
      ['3', 1],
      ['4', 1],
      ['5', 2],
      ['6', 3],
      ['700', 3],
    ]);
  });

  it('ignores an id that is not valid', () => {
    for (const id of ['', 'nonsense', '-1', '1.5', '9'.repeat(16)]) {
      expect(entered(after(3, 5), id).given).toBe(2);
    }
  });

  it('does not return to entries that an earlier reader took', () => {
    const second = entered(after(3, 5), undefined);
    expect(entered(taken(second, 9, 3), '1').given).toBe(2);
  });

  it('drops marks, never entries: a reader that reconnects after many events receives more, not less', () => {
    const ids = Array.from({ length: 5000 }, (_, i) => i + 1);
    const place = after(...ids);
    expect(place.marks.length).toBeLessThanOrEqual(1000);
    for (const id of ids) expect(entered(place, String(id)).given).toBeLessThanOrEqual(id);
    for (const id of ids.slice(-100)) expect(entered(place, String(id)).given).toBe(id);
  });
});
