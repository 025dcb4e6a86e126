import { FINISH, legalPawns, moved } from './rules.js';

describe('legalPawns', () => {
  it('lets a pawn reach the finish only by exact count', () => {
    expect(legalPawns([18, 0], 2)).toEqual([0, 1]);
    expect(legalPawns([18, 0], 3)).toEqual([1]);
    expect(legalPawns([FINISH, 19], 2)).toEqual([]);
  });

  it('keeps a pawn off the square of the other pawn, unless that square is the finish', () => {
    expect(legalPawns([4, 7], 3)).toEqual([1]);
    expect(legalPawns([18, FINISH], 2)).toEqual([0]);
  });

  it('always has a legal move for a roll of 1 while a pawn is not home', () => {
    for (let first = 0; first <= FINISH; first++) {
      for (let second = 0; second <= FINISH; second++) {
        if (first === FINISH && second === FINISH) continue;
        expect(legalPawns([first, second], 1)).not.toEqual([]);
      }
    }
  });
});

describe('moved', () => {
  it('sends pawns of opponents on the target square back to their start', () => {
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

  it('captures neither pawns that are home nor pawns of the same player', () => {
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
