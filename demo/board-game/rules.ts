/** The squares of each player's pawns: 0 is the start, {@link FINISH} is home. */
export type Board = readonly (readonly number[])[];

/** The last square, reached by exact count. */
export const FINISH = 20;
/** How many pawns a player has. */
export const PAWNS = 2;

/** The pawns that may move this far: not beyond the finish, and not onto a square that the player already holds. */
export function legalPawns(pawns: readonly number[], roll: number): number[] {
  return pawns.flatMap((square, pawn) => {
    const target = square + roll;
    const free = target === FINISH || (target < FINISH && !pawns.includes(target));
    return free ? [pawn] : [];
  });
}

/** The board after a legal move. Pawns of opponents on the target square return to their start. */
export function moved(board: Board, seat: number, pawn: number, roll: number): Board {
  const target = (board[seat]?.[pawn] ?? 0) + roll;
  return board.map((pawns, owner) =>
    pawns.map((square, index) => {
      if (owner === seat) return index === pawn ? target : square;
      return square === target && target !== FINISH ? 0 : square;
    }),
  );
}
