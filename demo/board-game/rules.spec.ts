import { FINISH, legalPawns, moved } from './rules.js';

describe('legalPawns', () => {
  it('lets a pawn reach the finish by exact count only', () => {
    expect(legalPawns([18, 0], 2)).toEqual([0, 1]);
    expect(legalPawns([18, 0], 3)).toEqual([1]);
    expect(legalPawns([FINISH, 19], 2)).toEqual([]);
  });

  it('keeps a pawn off the square that the other one holds, unless that is the finish', () => {
    expect(legalPawns([4, 7], 3)).toEqual([1]);
    expect(legalPawns([18, FINISH], 2)).toEqual([0]);
  });

  it('always has a move for a 1 as long as a pawn is on its way', () => {
    for (let first = 0; first <= FINISH; first++) {
      for (let second = 0; second <= FINISH; second++) {
        if (first === FINISH && second === FINISH) continue;
        expect(legalPawns([first, second], 1)).not.toEqual([]);
      }
    }
  });
});

describe('moved', () => {
  it('sends the opponents on the square where a pawn lands back to their start', () => {
    expect(
      moved(
        [
          [3, 0],
          [5, 8],
          [5, 5],
        ],
        0,
        0,
        2,
      ),
    ).toEqual([
      [5, 0],
      [0, 8],
      [0, 0],
    ]);
  });

  it('spares the opponents who are home, and the own pawns', () => {
    expect(
      moved(
        [
          [18, 4],
          [FINISH, 4],
        ],
        0,
        0,
        2,
      ),
    ).toEqual([
      [FINISH, 4],
      [FINISH, 4],
    ]);
    expect(
      moved(
        [
          [1, 4],
          [4, 0],
        ],
        0,
        0,
        2,
      ),
    ).toEqual([
      [3, 4],
      [4, 0],
    ]);
  });
});
